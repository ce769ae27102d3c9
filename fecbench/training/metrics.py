"""Metrics: pure functions of true and predicted labels with values between 0 and 1.

A registered metric is a function ``(true, predicted, classes) -> float`` of two int arrays ``[N]`` and the number of
labels C. A predicted label of -1 means "no answer". Means over classes include every label; a label that is neither
true nor predicted in any row scores 0.

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
TRIAL_LABELS = np.array([0, 1])


# ARG001: one signature for all metrics
def accuracy(true: np.ndarray, predicted: np.ndarray, classes: int) -> float:  # noqa: ARG001
    """Return the fraction of rows with ``true == predicted``; sklearn's ``accuracy_score``."""
    return float(np.mean(true == predicted))


def weighted_f1(true: np.ndarray, predicted: np.ndarray, classes: int) -> float:
    """Return the mean F1 of all classes, weighted by their number of true rows (the AML paper, section 4.1).

    ``F1 = 2 P R / (P + R)`` of precision P and recall R; sklearn's ``f1_score(average="weighted", zero_division=0)``.
    Some released code (HypEmo) swaps the arguments and so weights by predicted rows.
    """
    return _f1(true, predicted, classes, "weighted")


def macro_f1(true: np.ndarray, predicted: np.ndarray, classes: int) -> float:
    """Return the unweighted mean F1 of all classes; sklearn's ``f1_score(average="macro", zero_division=0)``."""
    return _f1(true, predicted, classes, "macro")


def _f1(true: np.ndarray, predicted: np.ndarray, classes: int, average: str) -> float:
    from sklearn.metrics import f1_score

    # labels=range(classes) includes absent classes and leaves out -1, which is no class.
    return float(f1_score(true, predicted, labels=range(classes), average=average, zero_division=0))


def per_class(true: np.ndarray, predicted: np.ndarray, classes: int) -> list[dict[str, float]]:
    """Return precision, recall, F1 and support (number of true rows) of each class.

    sklearn's ``precision_recall_fscore_support(zero_division=0)``.
    """
    from sklearn.metrics import precision_recall_fscore_support

    scores = precision_recall_fscore_support(true, predicted, labels=range(classes), zero_division=0)
    keys = ("precision", "recall", "f1", "support")
    return [dict(zip(keys, map(float, row), strict=True)) for row in zip(*scores, strict=True)]


def confusion_matrix(true: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Return counts ``[C, C]``, true labels as rows and predicted labels as columns; sklearn's ``confusion_matrix``.

    Rows without an answer aren't counted.
    """
    from sklearn.metrics import confusion_matrix as counts

    return cast("np.ndarray", counts(true, predicted, labels=range(classes)))


def get_metric(name: str) -> Metric:
    """Return the metric registered as ``name``.

    Raises:
        UnknownName: no metric has this name.
        PluginError: the plugin is broken, isn't callable, or fails on two rows.
    """
    metric: Any = registry.metrics.get(name)
    if not callable(metric):
        raise PluginError(
            f"the metric {name!r} ({registry.metrics.origin(name)}) must be a function of true, predicted and classes; "
            "fix or uninstall the plugin"
        )
    value_of(name, metric, TRIAL_LABELS, TRIAL_LABELS, 2)
    return cast("Metric", metric)


def all_metrics() -> tuple[dict[str, Metric], list[str]]:
    """Return every registered metric that works, by name, and the error messages of the others.

    The three primary metrics are always included.
    """
    found: dict[str, Metric] = {"accuracy": accuracy, "weighted_f1": weighted_f1, "macro_f1": macro_f1}
    reasons = []
    for name in registry.metrics:
        try:
            registry.metrics.origin(name)  # raises for a name that is registered twice, fecbench's own included
            if name not in found:  # the primary ones need no test call, which would import scikit-learn
                found[name] = get_metric(name)
        except PluginError as error:
            reasons.append(str(error))
    return found, reasons


def score(true: np.ndarray, predicted: np.ndarray, classes: int, metrics: dict[str, Metric]) -> dict[str, float]:
    """Return the value of each metric; warn about one that fails and leave it out.

    Raises:
        PluginError: a primary metric failed.
    """
    scores = {}
    for name, metric in metrics.items():
        try:
            scores[name] = value_of(name, metric, true, predicted, classes)
        except PluginError as error:
            if name in PRIMARY:
                raise
            warnings.warn(f"{error}; its column is left out", stacklevel=2)
    return scores


def value_of(name: str, metric: Metric, true: np.ndarray, predicted: np.ndarray, classes: int) -> float:
    """Return the value of ``metric``, a finite float.

    Raises:
        PluginError: the metric fails or doesn't return a finite number.
    """
    with plugin_errors(f"the metric {name!r}", metric):
        value = float(metric(true.copy(), predicted.copy(), classes))  # copies: a metric may write into its arguments
        if not np.isfinite(value):
            raise ValueError(f"the value must be finite, but is {value}")
        return value
