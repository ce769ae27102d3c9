"""Choose the metrics of a run besides those that every run has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fecbench.core.errors import DataError, UsageError
from fecbench.training.metrics import named_metrics

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fecbench.data.datasets.dataset import EmotionData
    from fecbench.training.metrics import MetricFunction


def further_metrics(data: EmotionData, names: Iterable[str]) -> dict[str, MetricFunction]:
    """Return the metric that the field reports on ``data``, if its description names one, and the metrics ``names``.

    Raises:
        UnknownName: no metric is called so, it has no such option, or an option names a label that ``data`` lacks.
        UsageError: an option's value is invalid, or a metric is for data of another labelling.
        DataError: the same holds for the metric in the description.
        PluginError: a metric's plugin is broken.
    """
    return {**_own_metric(data), **named_metrics(names, data.labels, data.info.labelling)}


def _own_metric(data: EmotionData) -> dict[str, MetricFunction]:
    if not data.info.metric:
        return {}
    try:
        return named_metrics([data.info.metric], data.labels, data.info.labelling)
    except UsageError as error:
        raise DataError(
            f"the metric of {data.name} must be one that fecbench can compute, but {error}; "
            "correct `metric` in the description of the data set, or leave it out"
        ) from error
