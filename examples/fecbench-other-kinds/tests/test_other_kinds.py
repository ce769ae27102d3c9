from fecbench.testing import (
    DatasetConformance,
    EncoderConformance,
    FormatConformance,
    HeadConformance,
    MetricConformance,
)


class TestWeather(DatasetConformance):
    name = "weather"


class TestWords(EncoderConformance):
    name = "words"


class TestCosine(HeadConformance):
    name = "cosine"


class TestWorstRecall(MetricConformance):
    name = "worst_recall"


class TestPlain(FormatConformance):
    name = "plain"
