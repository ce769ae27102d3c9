"""The code of a data set whose test split has no labels: 30 / 6 rows, and 5 texts with ids."""

UNLABELLED = """
from fecbench import DatasetInfo, EmotionData, Source
from fecbench.data.datasets.rows import split_from_columns

LABELS = ("glad", "mad", "sad")
WORDS = ("a lovely day we sang", "he lied and broke it", "my dog died in the rain")


def rows(tag, times):
    pairs = [(f"{WORDS[n % 3]} {tag}{n}", n % 3) for n in range(3 * times)]
    texts, labels = zip(*pairs)
    return split_from_columns({"text": list(texts), "label": list(labels)})


class Hidden:
    info = DatasetInfo("hidden", "a set with hidden test labels", "MIT", "")

    def source(self, places):
        return Source("here")

    def load(self, places):
        texts = [f"{WORDS[n % 3]} test{n}" for n in range(5)]
        unlabelled = split_from_columns({"text": texts, "id": [f"x-{n}" for n in range(5)]})
        splits = {"train": rows("train", 10), "validation": rows("validation", 2)}
        return EmotionData(self.info, LABELS, splits, "here", unlabelled=unlabelled)


hidden = Hidden()
"""
