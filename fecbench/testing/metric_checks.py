"""The conformance kit for metrics."""

from __future__ import annotations

import numpy as np

from fecbench.core import registry
from fecbench.testing.plugin_checks import PluginConformance
from fecbench.training import metrics
from fecbench.training.logits import NO_ANSWER
from fecbench.training.metric import split_name

TRUE = np.array([0, 0, 1, 1, 2, 2, 0])
LABELS = ("anger", "fear", "joy")


class MetricConformance(PluginConformance):
    """Checks of the metric registered as ``name``.

    The name may give options, ``micro_f1:without=joy``; the labels are anger, fear and joy.
    """

    registered_in = registry.metrics

    @property
    def where(self) -> str:
        """The metric's entry point and distribution."""
        return str(self.registered_in.origin(split_name(self.name)[0]))

    def test_it_scores_whatever_is_predicted(self) -> None:
        """It returns a finite number for right and wrong predictions, absent classes and missing answers (-1)."""
        for predicted in (
            TRUE,
            (TRUE + 1) % 3,
            np.zeros_like(TRUE),
            np.where(TRUE == 1, NO_ANSWER, TRUE),
            np.full_like(TRUE, NO_ANSWER),
        ):
            self.score(TRUE, predicted)
        self.score(np.array([1]), np.array([1]))

    def test_the_order_of_the_rows_does_not_matter(self) -> None:
        """The same rows in another order have the same score."""
        predicted = np.array([0, 1, 1, 2, 2, 0, 1])
        one, other = self.score(TRUE, predicted), self.score(TRUE[::-1].copy(), predicted[::-1].copy())
        self.require(
            bool(np.isclose(one, other)), "the same score for the same rows", f"{one} and, in reverse, {other}"
        )

    def score(self, true: np.ndarray, predicted: np.ndarray) -> float:
        """Return the metric's value for three classes."""
        metric = metrics.get_metric(self.name, LABELS)
        return metrics.value_of(self.name, metric, true, predicted, len(LABELS))
