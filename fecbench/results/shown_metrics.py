"""Labels, directions and units of metrics where people read them.

>>> shown("nll").lower, figure(2.7561, shown("nll").unit), figure(0.4574, shown("macro_f1").unit)
(True, '2.756', '45.74')
"""

from __future__ import annotations

from dataclasses import dataclass

PERCENT, PLAIN = "percent", "plain numbers"
UNITS = {
    "nll": "nats a text",
    "excess_nll": "nats a text",
    "brier": "squared distance a text",
    "manhattan": "distance a text",
    "seconds": "seconds",
    "texts_per_second": "texts a second",
    "parameters": "millions",
}
DECIMALS = {PERCENT: 2, "seconds": 1, "texts a second": 0, "millions": 1}  # of other units three
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
# scores of texts with several labels that are no registered metrics
AT_FIXED, WITHOUT_LABEL = ("macro_f1_at_0.5", "macro_f1_at_0.3"), "without_label"
SCORES = {
    **{name: ShownMetric(f"Macro-F1 at {name[-3:]}") for name in AT_FIXED},
    WITHOUT_LABEL: ShownMetric("Without label", lower=True),
}
# costs of runs, which boards show where they are asked for
COSTS = {
    "seconds": ShownMetric("Training time", lower=True, unit=UNITS["seconds"]),
    "texts_per_second": ShownMetric("Speed", unit=UNITS["texts_per_second"]),
    "parameters": ShownMetric("Parameters", lower=True, unit=UNITS["parameters"]),
}
# in every record of texts with several labels, and shown where they are asked for
BESIDE = frozenset(
    {"weighted_f1", "samples_f1", "exact_match", "hamming", "lrap", "brier", "ece", "classwise_ece", *SCORES}
)


def shown(metric: str) -> ShownMetric:
    """Return the label, direction and unit of a metric, by its name as in a record."""
    if metric in SCORES or metric in COSTS:
        return SCORES.get(metric) or COSTS[metric]
    if metric.startswith("class_f1:"):
        return ShownMetric(f"F1 {metric.partition(':')[2]}")
    from fecbench.training.metrics import facts_of  # imports numpy, which commands that only help don't need

    facts = facts_of(metric)
    label = metric if ":" in metric else facts.display or metric  # options tell metrics of one display name apart
    unit = PERCENT if facts.is_fraction else UNITS.get(metric, PLAIN)
    return ShownMetric(label, not facts.higher_is_better, unit)


def scaled(value: float, unit: str) -> float:
    """Return a score as the number that is shown: a fraction in percent, any other value unchanged."""
    return 100 * value if unit == PERCENT else value


def figure(value: float, unit: str = PERCENT) -> str:
    """Return a score as text: two decimals of a percentage, three of other values but for times, speeds and sizes."""
    return f"{scaled(value, unit):,.{DECIMALS[unit]}f}" if unit in DECIMALS else f"{value:.3f}"


def arrow(lower: bool) -> str:
    """Return the arrow of a metric's direction."""
    return DOWN if lower else UP
