"""fecbench's own metrics, as the classes that its entry points name, and those that every run has."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from fecbench.training import distribution_metrics as distributions
from fecbench.training import label_set_metrics as sets
from fecbench.training.metric import Metric
from fecbench.training.metrics import accuracy, macro_f1, weighted_f1
from fecbench.training.micro_f1 import MicroF1

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np

    from fecbench.data.datasets.dataset import Labelling

    ArrayFunction = Callable[[np.ndarray, np.ndarray], float]
    Functions = Mapping[Labelling, ArrayFunction]


class Accuracy(Metric):
    """Fraction of texts with the right label."""

    display = "Acc"

    def __call__(self, true: np.ndarray, predicted: np.ndarray, classes: int) -> float:
        """Return the accuracy."""
        return accuracy(true, predicted, classes)


class WeightedF1(Metric):
    """Mean F1 of all labels, weighted by their number of texts."""

    labellings = ("single", "multi")
    display = "Weighted-F1"

    def __call__(self, true: np.ndarray, predicted: np.ndarray, classes: int) -> float:
        """Return the weighted F1."""
        return weighted_f1(true, predicted, classes)


class MacroF1(Metric):
    """Mean F1 of all labels."""

    labellings = ("single", "multi")
    display = "Macro-F1"

    def __call__(self, true: np.ndarray, predicted: np.ndarray, classes: int) -> float:
        """Return the macro F1."""
        return macro_f1(true, predicted, classes)


class ArrayMetric(Metric):
    """Base of metrics that are a pure function of two arrays for each labelling.

    Those that a run doesn't have by :func:`standard` are on request.

    Attributes:
        functions: the function by labelling.
    """

    functions: ClassVar[Functions]
    on_request = True

    def __init_subclass__(cls) -> None:
        cls.labellings = tuple(cls.functions)

    def __call__(self, true: np.ndarray, predicted: np.ndarray, classes: int) -> float:
        """Return the value of the labelling's function."""
        return self.functions[self.labelling](true, predicted)


class SamplesF1(ArrayMetric):
    """Mean F1 of the texts."""

    functions: ClassVar[Functions] = {"multi": sets.samples_f1}
    display = "Samples-F1"


class Jaccard(ArrayMetric):
    """Mean over texts of intersection over union."""

    functions: ClassVar[Functions] = {"multi": sets.jaccard}
    display = "Jaccard"


class ExactMatch(ArrayMetric):
    """Fraction of texts that are given exactly their labels."""

    functions: ClassVar[Functions] = {"multi": sets.exact_match}
    display = "Exact match"


class Hamming(ArrayMetric):
    """Fraction of wrong pairs of text and label."""

    functions: ClassVar[Functions] = {"multi": sets.hamming}
    display = "Hamming loss"
    higher_is_better = False


class MeanAveragePrecision(ArrayMetric):
    """Mean average precision of the labels."""

    functions: ClassVar[Functions] = {"multi": sets.mean_average_precision}
    needs = "probabilities"
    display = "mAP"


class LabelRanking(ArrayMetric):
    """Label ranking average precision."""

    functions: ClassVar[Functions] = {"multi": sets.lrap}
    needs = "probabilities"
    display = "LRAP"


class ReciprocalRank(ArrayMetric):
    """Mean of 1 / rank of the true label."""

    functions: ClassVar[Functions] = {"single": distributions.mean_reciprocal_rank}
    needs = "probabilities"
    display = "MRR"


class LossMetric(ArrayMetric):
    """Base of metrics of targets and probabilities that are better if lower."""

    functions: ClassVar[Functions] = {}
    needs = "targets"
    higher_is_better = False
    is_fraction = False


class NLL(LossMetric):
    """Negative log-likelihood of the targets in nats per text."""

    functions: ClassVar[Functions] = {"single": distributions.nll, "multi": sets.nll}
    display = "NLL"


class ExcessNLL(LossMetric):
    """Negative log-likelihood less the entropy of the targets, in nats per text."""

    functions: ClassVar[Functions] = {"single": distributions.excess_nll, "multi": sets.excess_nll}
    display = "Excess NLL"


class Brier(LossMetric):
    """Mean over texts of the squared distance of probabilities and targets."""

    functions: ClassVar[Functions] = {"single": sets.brier, "multi": sets.brier}
    display = "Brier"


class Manhattan(LossMetric):
    """Mean over texts of the sum of absolute differences."""

    functions: ClassVar[Functions] = {"single": sets.manhattan, "multi": sets.manhattan}
    display = "Manhattan"


class CalibrationError(LossMetric):
    """Expected calibration error: of the most probable label, or of all pairs of text and label."""

    functions: ClassVar[Functions] = {"single": distributions.ece, "multi": sets.ece}
    display = "ECE"
    is_fraction = True


class ClasswiseCalibrationError(LossMetric):
    """Mean of the calibration errors of the labels."""

    functions: ClassVar[Functions] = {"multi": sets.classwise_ece}
    display = "Classwise ECE"
    is_fraction = True


class SoftMetric(ArrayMetric):
    """Base of metrics of targets and probabilities that are better if higher."""

    functions: ClassVar[Functions] = {}
    needs = "targets"


class SoftMicroF1(SoftMetric):
    """Soft F1 over all pairs of text and label."""

    functions: ClassVar[Functions] = {"single": sets.soft_micro_f1, "multi": sets.soft_micro_f1}
    display = "Soft micro-F1"


class SoftMacroF1(SoftMetric):
    """Mean soft F1 of all labels."""

    functions: ClassVar[Functions] = {"single": sets.soft_macro_f1, "multi": sets.soft_macro_f1}
    display = "Soft macro-F1"


class JensenShannon(SoftMetric):
    """1 less the mean Jensen-Shannon divergence in bits."""

    functions: ClassVar[Functions] = {"single": distributions.po_jsd, "multi": sets.po_jsd}
    display = "PO-JSD"


class EntropyCorrelation(SoftMetric):
    """Correlation of the entropies of targets and probabilities, between -1 and 1."""

    functions: ClassVar[Functions] = {"single": distributions.entropy_correlation, "multi": sets.entropy_correlation}
    display = "Entropy correlation"
    is_fraction = False


OF_ONE_LABEL: Mapping[str, type[Metric]] = {"accuracy": Accuracy, "weighted_f1": WeightedF1, "macro_f1": MacroF1}
OF_LABEL_SETS: Mapping[str, type[Metric]] = {
    "macro_f1": MacroF1,
    "micro_f1": MicroF1,
    "weighted_f1": WeightedF1,
    "samples_f1": SamplesF1,
    "jaccard": Jaccard,
    "exact_match": ExactMatch,
    "hamming": Hamming,
    "mean_average_precision": MeanAveragePrecision,
    "lrap": LabelRanking,
    "nll": NLL,
    "brier": Brier,
    "ece": CalibrationError,
    "classwise_ece": ClasswiseCalibrationError,
}
OF_SHARES: Mapping[str, type[Metric]] = {
    "nll": NLL,
    "excess_nll": ExcessNLL,
    "soft_micro_f1": SoftMicroF1,
    "soft_macro_f1": SoftMacroF1,
    "po_jsd": JensenShannon,
    "manhattan": Manhattan,
    "entropy_correlation": EntropyCorrelation,
}
STANDARD: Mapping[str, type[Metric]] = {**OF_ONE_LABEL, **OF_LABEL_SETS, **OF_SHARES}


def standard(labelling: Labelling, soft: bool) -> dict[str, type[Metric]]:
    """Return fecbench's own metrics that every run on such data has, by name.

    Args:
        labelling: whether labels exclude one another.
        soft: True if texts have shares of labels.
    """
    of_labels = OF_ONE_LABEL if labelling == "single" else OF_LABEL_SETS
    return {**of_labels, **(OF_SHARES if soft else {})}
