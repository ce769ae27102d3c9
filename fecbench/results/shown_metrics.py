"""Labels, directions and units of metrics where people read them.

>>> shown("nll").lower, figure(2.7561, shown("nll").unit), figure(0.4574, shown("macro_f1").unit)
(True, '2.756', '45.74')
"""

from __future__ import annotations

from dataclasses import dataclass

PERCENT, NATS, SQUARES = "percent", "nats a text", "squared distance a text"
UP, DOWN = "↑", "↓"


@dataclass(frozen=True)
class ShownMetric:
    """A metric as it is shown.

    Attributes:
        label: the heading of its column.
        lower: True if lower is better.
        unit: ``PERCENT`` for a fraction, else the unit of the plain number.
    """

    label: str
    lower: bool = False
    unit: str = PERCENT


# the columns of texts with one label each, and of texts with several
MAIN = {
    "single": ("accuracy", "weighted_f1", "macro_f1"),
    "multi": ("macro_f1", "micro_f1", "mean_average_precision", "jaccard", "nll"),
}
# in every record of texts with several labels, and shown where they are asked for
BESIDE = frozenset(
    {
        "weighted_f1",
        "samples_f1",
        "exact_match",
        "hamming",
        "lrap",
        "brier",
        "ece",
        "classwise_ece",
        "without_label",
        "macro_f1_at_0.5",
        "macro_f1_at_0.3",
    }
)

_SHOWN = {
    "accuracy": ShownMetric("Acc"),
    "weighted_f1": ShownMetric("Weighted-F1"),
    "macro_f1": ShownMetric("Macro-F1"),
    "micro_f1": ShownMetric("Micro-F1"),
    "samples_f1": ShownMetric("Samples-F1"),
    "jaccard": ShownMetric("Jaccard"),
    "exact_match": ShownMetric("Exact match"),
    "hamming": ShownMetric("Hamming loss", lower=True),
    "mean_average_precision": ShownMetric("mAP"),
    "lrap": ShownMetric("LRAP"),
    "nll": ShownMetric("NLL", lower=True, unit=NATS),
    "brier": ShownMetric("Brier", lower=True, unit=SQUARES),
    "ece": ShownMetric("ECE", lower=True),
    "classwise_ece": ShownMetric("Classwise ECE", lower=True),
    "without_label": ShownMetric("Without label", lower=True),
    "macro_f1_at_0.5": ShownMetric("Macro-F1 at 0.5"),
    "macro_f1_at_0.3": ShownMetric("Macro-F1 at 0.3"),
}


def shown(metric: str) -> ShownMetric:
    """Return the label, direction and unit of a metric; an unknown one is a fraction under its own name."""
    return _SHOWN.get(metric, ShownMetric(metric))


def scaled(value: float, unit: str) -> float:
    """Return a score as the number that is shown: a fraction in percent, any other value unchanged."""
    return 100 * value if unit == PERCENT else value


def figure(value: float, unit: str = PERCENT) -> str:
    """Return a score as text: two decimals of a percentage, three of any other value."""
    return f"{scaled(value, unit):.{2 if unit == PERCENT else 3}f}"


def arrow(lower: bool) -> str:
    """Return the arrow of a metric's direction."""
    return DOWN if lower else UP
