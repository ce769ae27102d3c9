"""Metrics: pure functions of true and predicted labels, and the registered metrics of all kinds of data.

A registered metric is a function ``(true, predicted, classes) -> float`` of two int arrays ``[N]`` and the number of
labels C, or a class that is built with options and label names and declares what it is called with
(:class:`fecbench.Metric`). A predicted label of -1 means "no answer". Means over classes include every label; a label
that is neither true nor predicted in any row scores 0.

>>> true, predicted = np.array([0, 0, 0, 1, 2, 2]), np.array([0, 0, 1, 1, 1, 2])
>>> round(weighted_f1(true, predicted, 3), 6)  # swapped arguments would give 0.627778
0.705556
"""

from __future__ import annotations

import warnings
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from fecbench.core import registry
from fecbench.core.errors import FecbenchError, PluginError, UnknownName, UsageError
from fecbench.core.plugin_errors import plugin_errors
from fecbench.core.settings import Config, build
from fecbench.training.metric import NEEDS, Metric, MetricFacts, split_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from fecbench.data.datasets.dataset import Labelling
    from fecbench.training.metric import Needs

    MetricFunction = Callable[[np.ndarray, np.ndarray, int], float]
    Arrays = tuple[np.ndarray, np.ndarray]


PRIMARY = ("accuracy", "weighted_f1", "macro_f1")
NEEDED = (*PRIMARY, "mean_average_precision", "lrap")  # by every board, or to choose the best epoch
# what tables on the terminal show of texts with several labels
MULTI_SHOWN = ("macro_f1", "micro_f1", "jaccard", "mean_average_precision", "lrap", "macro_f1_at_0.5")
TRIAL_NAMES = ("first", "second")


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


def get_metric(name: str, labels: Sequence[str] = TRIAL_NAMES, labelling: Labelling | None = None) -> MetricFunction:
    """Return the metric called ``name``, a registered name that may be followed by options.

    Args:
        name: such as ``accuracy`` or ``micro_f1:without=neutral``.
        labels: the label names of the data set, by index.
        labelling: that of the data set; None for the first one that the metric is for.

    Raises:
        UnknownName: no metric has this name, it has no such option, or an option names a label that isn't there.
        UsageError: an option's value is invalid, or the metric isn't for data of this labelling.
        PluginError: the plugin is broken, isn't callable, or fails on two rows.
    """
    plugin, config = _looked_up(name)
    facts = MetricFacts.of(plugin)
    labelling = labelling or facts.labellings[0]
    _check_is_for(name, facts, labelling)
    if config is None:
        metric = cast("MetricFunction", plugin)
    else:
        with plugin_errors(f"the metric {name!r}", plugin):
            metric = built(plugin, config, labels, labelling)
    classes = 2 if config is None else len(labels)
    value_of(name, metric, *_trial(facts.needs, labelling, classes), classes)
    return metric


def _check_is_for(name: str, facts: MetricFacts, labelling: Labelling) -> None:
    """Raise UsageError unless a metric is for data of this labelling."""
    if labelling not in facts.labellings:
        takes, gives = ("one label", "several") if labelling == "multi" else ("several labels", "one")
        raise UsageError(
            f"the metric {name} is for data with {takes} a text, but it is asked of data that give {gives}; choose "
            "another metric"
        )


def built(kind: type[Metric], config: Config, labels: Sequence[str], labelling: Labelling) -> Metric:
    """Return a metric for a data set with these ``labels`` and this ``labelling``."""
    metric = kind(config, labels)
    metric.labelling = labelling
    return metric


def check_metric_name(name: str) -> None:
    """Check a metric's name and options, except for the labels that these name.

    Raises:
        UnknownName: no metric has this name, or it has no such option.
        UsageError: an option's value is invalid.
        PluginError: the plugin is broken or isn't callable.
    """
    _looked_up(name)


def facts_of(name: str) -> MetricFacts:
    """Return the facts that a metric declares, by its name as in a record.

    A score that is no metric's, such as ``macro_f1_at_0.5``, has the defaults.
    """
    from fecbench.training.standard_metrics import STANDARD  # late: it is built on the functions of this file

    registered = split_name(name)[0]
    # An editable installation lacks the entry points of metrics that its code has since gained; records have them.
    if registered in STANDARD:
        return MetricFacts.of(STANDARD[registered])
    with suppress(FecbenchError):
        return MetricFacts.of(registry.metrics.get(registered))
    return MetricFacts()


def _looked_up(name: str) -> tuple[Any, Config | None]:
    """Return the plugin behind a metric's name, and its options; None for a plain function."""
    registered, options = split_name(name)
    plugin: Any = registry.metrics.get(registered)
    if not callable(plugin):
        raise PluginError(
            f"the metric {registered!r} ({registry.metrics.origin(registered)}) must be a function of true, predicted "
            "and classes, or a subclass of fecbench.Metric; fix or uninstall the plugin"
        )
    _check_facts(registered, MetricFacts.of(plugin))
    config = _config_of(registered, plugin)
    known = config.model_fields if config else ()
    for option in options:
        if option not in known:
            raise UnknownName("option", option, known, where=f"of the metric {registered}")
    return plugin, build(config, options, f"the metric {name}") if config else None


def _check_facts(name: str, facts: MetricFacts) -> None:
    """Raise PluginError unless a metric declares arrays and labellings that exist."""
    labellings = facts.labellings if isinstance(facts.labellings, tuple) else ()
    if facts.needs not in NEEDS or not labellings or any(kind not in ("single", "multi") for kind in labellings):
        raise PluginError(
            f"the metric {name!r} ({registry.metrics.origin(name)}) must declare needs as one of {', '.join(NEEDS)} "
            f"and labellings as a tuple of 'single', 'multi' or both, but declares {facts.needs!r} and "
            f"{facts.labellings!r}; fix or uninstall the plugin"
        )


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


def _is_for_every_run(name: str, labelling: Labelling) -> bool:
    """Return True if a registered metric is computed for every run on data of this labelling.

    Raises:
        PluginError: it declares facts that don't exist.
    """
    plugin = registry.metrics.get(name)
    facts, config = MetricFacts.of(plugin), _config_of(name, plugin)
    _check_facts(name, facts)
    has_options = config is not None and bool(config.model_fields)
    return labelling in facts.labellings and not facts.on_request and not has_options


def all_metrics(
    labels: Sequence[str] = TRIAL_NAMES, labelling: Labelling = "single", soft: bool = False
) -> tuple[dict[str, MetricFunction], list[str]]:
    """Return the metrics of every run on such data, by name, and the error messages of those that don't work.

    They are fecbench's own for such data, which are always included, and every registered one without options that is
    for this labelling and not on request.

    Args:
        labels: the label names of the data set, by index.
        labelling: whether its labels exclude one another.
        soft: True if its texts have shares of labels.
    """
    from fecbench.training.standard_metrics import standard  # late: it is built on the functions of this file

    own = standard(labelling, soft)
    # They need no test call, which would import scikit-learn.
    found: dict[str, MetricFunction] = {
        name: built(kind, kind.Config(), labels, labelling) for name, kind in own.items()
    }
    reasons = []
    for name in registry.metrics:
        try:
            registry.metrics.origin(name)  # raises for a name that is registered twice, fecbench's own included
            if name not in found and _is_for_every_run(name, labelling):
                found[name] = get_metric(name, labels, labelling)
        except FecbenchError as error:
            reasons.append(str(error))
    return found, reasons


def of_given_labels(metrics: Mapping[str, MetricFunction]) -> dict[str, MetricFunction]:
    """Return the metrics that need no probabilities, for methods whose logits tell the given labels alone."""
    return {name: metric for name, metric in metrics.items() if MetricFacts.of(metric).needs == "labels"}


def named_metrics(
    names: Iterable[str], labels: Sequence[str], labelling: Labelling | None = None
) -> dict[str, MetricFunction]:
    """Return the metrics called ``names`` for a data set with these ``labels``.

    Raises:
        UnknownName, UsageError, PluginError: see :func:`get_metric`.
    """
    return {name: get_metric(name, labels, labelling) for name in names}


def score(
    true: np.ndarray, predicted: np.ndarray, classes: int, metrics: Mapping[str, MetricFunction]
) -> dict[str, float]:
    """Return the value of each metric that needs labels; warn about one that fails and leave it out.

    Raises:
        PluginError: a primary metric failed.
    """
    return score_each(metrics, lambda _: (true, predicted), classes)


def score_each(
    metrics: Mapping[str, MetricFunction], arrays: Callable[[Needs], Arrays], classes: int
) -> dict[str, float]:
    """Return the value of each metric; warn about one that fails and leave it out.

    Args:
        metrics: the metrics by name.
        arrays: returns the two arrays that a metric is called with, by its needs.
        classes: number of labels.

    Raises:
        PluginError: a metric failed that every run needs.
    """
    scores = {}
    for name, metric in metrics.items():
        try:
            scores[name] = value_of(name, metric, *arrays(MetricFacts.of(metric).needs), classes)
        except PluginError as error:
            if name in NEEDED:
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


def _trial(needs: Needs, labelling: Labelling, classes: int) -> Arrays:
    """Return the arrays of two texts that a metric is tried with: one of the first label, one of the second."""
    targets = np.eye(2, classes)
    true = targets.argmax(1) if labelling == "single" else targets.astype(bool)
    probabilities = (targets + 1) / (classes + 1)
    return {"labels": (true, true), "probabilities": (true, probabilities), "targets": (targets, probabilities)}[needs]
