"""Scores of predicted against true labels: pure functions, fractions between 0 and 1.

A registered metric is a function ``(true, predicted, classes) -> float`` of two int arrays ``[N]`` and the number of labels. Means over
classes cover every label; one that is neither there nor predicted scores 0.

>>> true, predicted = np.array([0, 0, 0, 1, 2, 2]), np.array([0, 0, 1, 1, 1, 2])
>>> round(weighted_f1(true, predicted, 3), 6)  # swapped arguments would give 0.627778
0.705556
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from fecbench.core import registry
from fecbench.core.errors import PluginError
from fecbench.core.plugin_errors import plugin_errors

if TYPE_CHECKING:
    from collections.abc import Callable

    Metric = Callable[[np.ndarray, np.ndarray, int], float]


PRIMARY = ("accuracy", "weighted_f1", "macro_f1")
TRIAL = np.array([0, 1])


def accuracy(true: np.ndarray, predicted: np.ndarray, classes: int) -> float:  # noqa: ARG001  one signature for all metrics
    """Share of rows predicted right."""
    return float(np.mean(true == predicted))


def weighted_f1(true: np.ndarray, predicted: np.ndarray, classes: int) -> float:
    """Mean of the classes' F1, weighted by their number of true rows (the paper, section 4.1)."""
    return _f1(true, predicted, classes, "weighted")


def macro_f1(true: np.ndarray, predicted: np.ndarray, classes: int) -> float:
    """Plain mean of the F1 of all classes."""
    return _f1(true, predicted, classes, "macro")


def _f1(true: np.ndarray, predicted: np.ndarray, classes: int, average: str) -> float:
    from sklearn.metrics import f1_score

    return float(f1_score(true, predicted, labels=range(classes), average=average, zero_division=0))


def per_class(true: np.ndarray, predicted: np.ndarray, classes: int) -> list[dict[str, float]]:
    """Precision, recall, F1 and number of true rows of each class."""
    from sklearn.metrics import precision_recall_fscore_support

    scores = precision_recall_fscore_support(true, predicted, labels=range(classes), zero_division=0)
    keys = ("precision", "recall", "f1", "support")
    return [dict(zip(keys, map(float, row), strict=True)) for row in zip(*scores, strict=True)]


def confusion_matrix(true: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Counts ``[C, C]``: true labels as rows, predicted ones as columns."""
    from sklearn.metrics import confusion_matrix as counts

    return cast("np.ndarray", counts(true, predicted, labels=range(classes)))


def get_metric(name: str) -> Metric:
    """The metric registered as ``name``.

    Raises:
        UnknownName: there is none.
        PluginError: the plugin is broken, can't be called, or fails on two rows.
    """
    metric: Any = registry.metrics.get(name)
    if not callable(metric):
        raise PluginError(
            f"the metric {name!r} ({registry.metrics.origin(name)}) must be a function of true, predicted and classes"
        )
    value_of(name, metric, TRIAL, TRIAL, 2)
    return cast("Metric", metric)


def all_metrics() -> tuple[dict[str, Metric], list[str]]:
    """The three metrics that fecbench needs itself and every other registered one that works, and why the rest don't."""
    found: dict[str, Metric] = {"accuracy": accuracy, "weighted_f1": weighted_f1, "macro_f1": macro_f1}
    reasons = []
    for name in registry.metrics:
        try:
            registry.metrics.origin(name)  # a name that is claimed twice is told, fecbench's own too
            if name not in found:  # which needn't be tried: that would import scikit-learn before the first batch
                found[name] = get_metric(name)
        except PluginError as error:
            reasons.append(str(error))
    return found, reasons


def score(true: np.ndarray, predicted: np.ndarray, classes: int, metrics: dict[str, Metric]) -> dict[str, float]:
    """The value of every metric that doesn't fail."""
    found = {}
    for name, metric in metrics.items():
        try:
            found[name] = value_of(name, metric, true, predicted, classes)
        except PluginError as error:
            if name in PRIMARY:
                raise
            warnings.warn(f"{error}; its column is left out", stacklevel=2)
    return found


def value_of(name: str, metric: Metric, true: np.ndarray, predicted: np.ndarray, classes: int) -> float:
    """The score that ``metric`` gives, finite.

    Raises:
        PluginError: it fails, or gives something else than a finite number.
    """
    with plugin_errors(f"the metric {name!r}", metric):
        value = float(metric(true.copy(), predicted.copy(), classes))  # a metric may write where it pleases
        if not np.isfinite(value):
            raise ValueError(f"{value} is no score")
        return value
