"""The conformance kit for metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fecbench.core import registry
from fecbench.testing.plugin_checks import PluginConformance
from fecbench.training import metrics
from fecbench.training.logits import NO_ANSWER
from fecbench.training.metric import split_name

if TYPE_CHECKING:
    from fecbench.data.datasets.dataset import Labelling
    from fecbench.training.metrics import Arrays

TRUE = np.array([0, 0, 1, 1, 2, 2, 0])
LABELS = ("anger", "fear", "joy")


class MetricConformance(PluginConformance):
    """Checks of the metric registered as ``name``, for each labelling that it declares.

    The name may give options, ``micro_f1:without=joy``; the labels are anger, fear and joy.
    """

    registered_in = registry.metrics

    @property
    def where(self) -> str:
        """The metric's entry point and distribution."""
        return str(self.registered_in.origin(split_name(self.name)[0]))

    def test_it_scores_whatever_is_predicted(self) -> None:
        """It returns a finite number for right and wrong predictions, absent classes and missing answers (-1).

        For texts with several labels, for texts without a label and for those that are given none, too.
        """
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
        forward, backward = self.score(TRUE, predicted), self.score(TRUE[::-1].copy(), predicted[::-1].copy())
        for one, other in zip(forward, backward, strict=True):
            self.require(
                bool(np.isclose(one, other)), "the same score for the same rows", f"{one} and, in reverse, {other}"
            )

    def score(self, true: np.ndarray, predicted: np.ndarray) -> list[float]:
        """Return the metric's value for three classes, for each labelling that it is for.

        Args:
            true: labels ``[N]``.
            predicted: labels ``[N]``; -1 for no answer.
        """
        needs, labellings = metrics.facts_of(self.name).needs, metrics.facts_of(self.name).labellings
        return [
            metrics.value_of(
                self.name,
                metrics.get_metric(self.name, LABELS, labelling),
                *arrays(true, predicted, labelling)[needs],
                len(LABELS),
            )
            for labelling in labellings
        ]


def arrays(true: np.ndarray, predicted: np.ndarray, labelling: Labelling) -> dict[str, Arrays]:
    """Return the arrays that a metric may need, by its needs, for single labels ``true`` and ``predicted`` ``[N]``.

    For ``multi`` a label is joined by the next one, and the last label is left out.
    """
    targets, given = (np.eye(len(LABELS) + 1)[labels][:, :-1] for labels in (true, predicted))
    if labelling == "multi":
        targets, given = (np.roll(rows, 1, axis=1) + rows for rows in (targets, given))
        targets[true == len(LABELS) - 1] = 0
    probabilities = (given + 0.25) / (given + 0.25).sum(1, keepdims=True) * (predicted >= 0)[:, None]
    labels = (true, predicted) if labelling == "single" else (targets > 0, given > 0)
    return {"labels": labels, "probabilities": (labels[0], probabilities), "targets": (targets, probabilities)}
