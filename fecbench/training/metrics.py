"""Metrics: pure functions of true and predicted labels with values between 0 and 1.

A registered metric is a function ``(true, predicted, classes) -> float`` of two int arrays ``[N]`` and the number of
labels C, or a class that is built with options and label names (:class:`fecbench.Metric`). A predicted label of -1
means "no answer". Means over classes include every label; a label that is neither true nor predicted in any row scores
0.

>>> true, predicted = np.array([0, 0, 0, 1, 2, 2]), np.array([0, 0, 1, 1, 1, 2])
>>> round(weighted_f1(true, predicted, 3), 6)  # swapped arguments would give 0.627778
0.705556
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from fecbench.core import registry
from fecbench.core.errors import FecbenchError, PluginError, UnknownName
from fecbench.core.plugin_errors import plugin_errors
from fecbench.core.settings import Config, build
from fecbench.training.metric import Metric, split_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    MetricFunction = Callable[[np.ndarray, np.ndarray, int], float]


PRIMARY = ("accuracy", "weighted_f1", "macro_f1")
# what tables on the terminal show of texts with several labels
MULTI_SHOWN = ("macro_f1", "micro_f1", "jaccard", "mean_average_precision", "lrap", "macro_f1_at_0.5")
TRIAL_LABELS, TRIAL_NAMES = np.array([0, 1]), ("first", "second")


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


def get_metric(name: str, labels: Sequence[str] = TRIAL_NAMES) -> MetricFunction:
    """Return the metric called ``name``, a registered name that may be followed by options.

    Args:
        name: such as ``accuracy`` or ``micro_f1:without=neutral``.
        labels: the label names of the data set, by index.

    Raises:
        UnknownName: no metric has this name, it has no such option, or an option names a label that isn't there.
        UsageError: an option's value is invalid.
        PluginError: the plugin is broken, isn't callable, or fails on two rows.
    """
    plugin, config = _looked_up(name)
    metric: Any = plugin
    if config is not None:
        with plugin_errors(f"the metric {name!r}", plugin):
            metric = plugin(config, labels)
    value_of(name, metric, TRIAL_LABELS, TRIAL_LABELS, 2 if config is None else len(labels))
    return cast("MetricFunction", metric)


def check_metric_name(name: str) -> None:
    """Check a metric's name and options, except for the labels that these name.

    Raises:
        UnknownName: no metric has this name, or it has no such option.
        UsageError: an option's value is invalid.
        PluginError: the plugin is broken or isn't callable.
    """
    _looked_up(name)


def _looked_up(name: str) -> tuple[Any, Config | None]:
    """Return the plugin behind a metric's name, and its options; None for a plain function."""
    registered, options = split_name(name)
    plugin: Any = registry.metrics.get(registered)
    if not callable(plugin):
        raise PluginError(
            f"the metric {registered!r} ({registry.metrics.origin(registered)}) must be a function of true, predicted "
            "and classes, or a subclass of fecbench.Metric; fix or uninstall the plugin"
        )
    config = _config_of(registered, plugin)
    known = config.model_fields if config else ()
    for option in options:
        if option not in known:
            raise UnknownName("option", option, known, where=f"of the metric {registered}")
    return plugin, build(config, options, f"the metric {name}") if config else None


def _config_of(name: str, plugin: object) -> type[Config] | None:
    """Return the class of a metric's options; None for a plain function.

    Raises:
        PluginError: its ``Config`` is something else.
    """
    if not (isinstance(plugin, type) and issubclass(plugin, Metric)):
        return None
    if not (isinstance(plugin.Config, type) and issubclass(plugin.Config, Config)):
        raise PluginError(
            f"the metric {name!r} ({registry.metrics.origin(name)}) must have a Config that is a subclass of "
            f"fecbench.Config, but it is {plugin.Config!r}; fix or uninstall the plugin"
        )
    return plugin.Config


def _has_options(name: str) -> bool:
    """Return True if the registered metric has options, so that it is computed only where it is named."""
    config = _config_of(name, registry.metrics.get(name))
    return config is not None and bool(config.model_fields)


def all_metrics(labels: Sequence[str] = TRIAL_NAMES) -> tuple[dict[str, MetricFunction], list[str]]:
    """Return every registered metric without options that works, by name, and the error messages of the others.

    The three primary metrics are always included. ``labels`` are the label names of the data set, by index.
    """
    found: dict[str, MetricFunction] = {"accuracy": accuracy, "weighted_f1": weighted_f1, "macro_f1": macro_f1}
    reasons = []
    for name in registry.metrics:
        try:
            registry.metrics.origin(name)  # raises for a name that is registered twice, fecbench's own included
            # The primary ones need no test call, which would import scikit-learn.
            if name not in found and not _has_options(name):
                found[name] = get_metric(name, labels)
        except FecbenchError as error:
            reasons.append(str(error))
    return found, reasons


def named_metrics(names: Iterable[str], labels: Sequence[str]) -> dict[str, MetricFunction]:
    """Return the metrics called ``names`` for a data set with these ``labels``.

    Raises:
        UnknownName, UsageError, PluginError: see :func:`get_metric`.
    """
    return {name: get_metric(name, labels) for name in names}


def score(
    true: np.ndarray, predicted: np.ndarray, classes: int, metrics: dict[str, MetricFunction]
) -> dict[str, float]:
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


def value_of(name: str, metric: MetricFunction, true: np.ndarray, predicted: np.ndarray, classes: int) -> float:
    """Return the value of ``metric``, a finite float.

    Raises:
        PluginError: the metric fails or doesn't return a finite number.
    """
    with plugin_errors(f"the metric {name!r}", metric):
        value = float(metric(true.copy(), predicted.copy(), classes))  # copies: a metric may write into its arguments
        if not np.isfinite(value):
            raise ValueError(f"the value must be finite, but is {value}")
        return value
