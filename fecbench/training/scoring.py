"""Score a split's logits by the rules of the data set's labelling, and choose the best epoch.

Texts with one label get the most probable one. Texts with several get those whose probability reaches their threshold.
Where texts have shares of labels, metrics that need labels count the label with the greatest share, or each label with
a share above one half if a text can have several.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch

from fecbench.data.batches import LabelSetSplit
from fecbench.objective.labelling import probabilities
from fecbench.training import metrics
from fecbench.training.label_set_metrics import macro_f1
from fecbench.training.logits import answers
from fecbench.training.threshold_rule import ThresholdRule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from fecbench.data.batches import TokenisedSplit
    from fecbench.data.datasets.dataset import Labelling
    from fecbench.training.metric import Needs
    from fecbench.training.metrics import Arrays, MetricFunction

HALF = 0.5  # share of raters above which a label counts as true
FIXED = (0.5, 0.3)  # thresholds at which macro F1 is given too: the usual one, and that of the GoEmotions paper


@dataclass(frozen=True)
class ScoredRows:
    """The rows of a split with their logits, in each form that a metric may need.

    Attributes:
        split: the texts and their labels or targets.
        logits: ``[N, C]``.
        labelling: whether labels exclude one another.
        thresholds: ``[C]``, for labels that don't; by default the fixed ones of ``rule``.
        rule: how thresholds are used.
    """

    split: TokenisedSplit
    logits: Tensor
    labelling: Labelling
    thresholds: np.ndarray | None = None
    rule: ThresholdRule = field(default_factory=ThresholdRule)

    @property
    def classes(self) -> int:
        """The number of labels C."""
        return self.logits.shape[1]

    @cached_property
    def targets(self) -> np.ndarray:
        """The targets, float64 ``[N, C]`` between 0 and 1."""
        return self.split.targets.astype(float)

    @cached_property
    def true(self) -> np.ndarray:
        """The true labels: int64 ``[N]``, or bool ``[N, C]`` if a text can have several."""
        return single_labels(self.split) if self.labelling == "single" else self.split.targets > HALF

    @cached_property
    def given(self) -> np.ndarray:
        """The labels given: int64 ``[N]``, -1 for no answer, or bool ``[N, C]`` if a text can have several."""
        if self.labelling == "single":
            labels: np.ndarray = answers(self.logits).numpy()
            return labels
        thresholds = self.rule.untuned(self.classes) if self.thresholds is None else self.thresholds
        return self.rule.given(self.probabilities, thresholds)

    @cached_property
    def probabilities(self) -> np.ndarray:
        """The probabilities, float64 ``[N, C]``; a row of zeros for no answer."""
        return exact_probabilities(self.logits, self.labelling)

    def arrays(self, needs: Needs) -> Arrays:
        """Return the two arrays that a metric with these ``needs`` is called with."""
        if needs == "labels":
            return self.true, self.given
        return self.true if needs == "probabilities" else self.targets, self.probabilities


def scores_of(rows: ScoredRows, registered: Mapping[str, MetricFunction]) -> dict[str, float]:
    """Return the value of each metric, and for texts with several labels what fixed thresholds give."""
    scores = metrics.score_each(registered, rows.arrays, rows.classes)
    return scores if rows.labelling == "single" else scores | _scores_beside(rows)


def _scores_beside(rows: ScoredRows) -> dict[str, float]:
    """Return the share of texts without a label given, and macro F1 at fixed thresholds."""
    at_fixed = {f"macro_f1_at_{fixed}": macro_f1(rows.true, rows.probabilities >= fixed) for fixed in FIXED}
    return {"without_label": float(np.mean(~rows.given.any(1))), **at_fixed}


def single_labels(split: TokenisedSplit) -> np.ndarray:
    """Return one label for each text, int64 ``[N]``; of shares the greatest, the first of equal ones."""
    if isinstance(split, LabelSetSplit):
        labels: np.ndarray = split.targets.argmax(1)
        return labels
    return split.labels


def exact_probabilities(logits: Tensor, labelling: Labelling) -> np.ndarray:
    """Return the probabilities of logits ``[N, C]``, float64; a row of zeros for no answer."""
    # In float64: the sigmoid of a float32 above 17 is 1, and its complement 0.
    array: np.ndarray = probabilities(logits.to(torch.float64), labelling).numpy()
    return array


def selection_score(scores: Mapping[str, float], labelling: Labelling) -> float:
    """Return the score by which the best epoch is chosen, between 0 and 2.

    - ``single``: accuracy + weighted F1, as in TACO's released trainer; the AML paper doesn't say.
    - ``multi``: mean average precision + label ranking average precision. Both are free of thresholds; an F1 with
      thresholds tuned on the same rows would be too good.
    """
    if labelling == "single":
        return scores["accuracy"] + scores["weighted_f1"]
    return scores["mean_average_precision"] + scores["lrap"]


def label_table(true: np.ndarray, given: np.ndarray) -> list[dict[str, float]]:
    """Return precision, recall, F1 and support of each label, 0 where nothing is given or true.

    Args:
        true: bool ``[N, C]``, the labels of each text.
        given: bool ``[N, C]``, the labels given to each text.
    """
    from sklearn.metrics import precision_recall_fscore_support

    scores = precision_recall_fscore_support(true, given, average=None, zero_division=0)
    keys = ("precision", "recall", "f1", "support")
    return [dict(zip(keys, map(float, row), strict=True)) for row in zip(*scores, strict=True)]
