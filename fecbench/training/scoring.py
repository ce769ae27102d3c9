"""Score a split's logits by the rules of the data set's labelling, and choose the best epoch.

Texts with one label get the most probable one. Texts with several get those whose probability reaches their threshold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from fecbench.objective.labelling import probabilities
from fecbench.training import metrics
from fecbench.training.label_set_metrics import label_set_scores, macro_f1
from fecbench.training.logits import answers
from fecbench.training.thresholds import tuned_thresholds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from fecbench.data.batches import TokenisedSplit
    from fecbench.data.datasets.dataset import Labelling
    from fecbench.training.metrics import MetricFunction

HALF = 0.5  # share of raters from which a label counts as true
FIXED = (0.5, 0.3)  # thresholds at which macro F1 is given too: the usual one, and that of the GoEmotions paper


def single_scores(split: TokenisedSplit, logits: Tensor, registered: Mapping[str, MetricFunction]) -> dict[str, float]:
    """Return the value of every registered metric on texts with one label each."""
    return metrics.score(split.labels, answers(logits).numpy(), logits.shape[1], registered)


def multi_scores(split: TokenisedSplit, logits: Tensor, thresholds: np.ndarray) -> dict[str, float]:
    """Return the metrics of label sets on texts with several labels, and macro F1 at fixed thresholds.

    Args:
        split: the texts and their targets.
        logits: ``[N, C]``.
        thresholds: ``[C]``, from validation rows.
    """
    shares = multi_probabilities(logits)
    scores = label_set_scores(split.targets, shares, thresholds)
    true = split.targets > HALF
    return scores | {f"macro_f1_at_{fixed}": macro_f1(true, shares >= fixed) for fixed in FIXED}


def validation_thresholds(validation: TokenisedSplit, logits: Tensor) -> np.ndarray:
    """Return a threshold for each label ``[C]``, tuned on validation rows alone."""
    return tuned_thresholds(validation.targets > HALF, multi_probabilities(logits), "per-class")


def fixed_thresholds(classes: int) -> np.ndarray:
    """Return the threshold 0.5 for each label ``[C]``."""
    return np.full(classes, FIXED[0])


def multi_probabilities(logits: Tensor) -> np.ndarray:
    """Return the probabilities ``[N, C]`` of labels that don't exclude one another, float64."""
    # In float64: the sigmoid of a float32 above 17 is 1, and its complement 0.
    return probabilities(logits.to(torch.float64), "multi").numpy()


def selection_score(scores: Mapping[str, float], labelling: Labelling) -> float:
    """Return the score by which the best epoch is chosen, between 0 and 2.

    - ``single``: accuracy + weighted F1, as in TACO's released trainer; the AML paper doesn't say.
    - ``multi``: mean average precision + label ranking average precision. Both are free of thresholds; an F1 with
      thresholds tuned on the same rows would be too good.
    """
    if labelling == "single":
        return scores["accuracy"] + scores["weighted_f1"]
    return scores["mean_average_precision"] + scores["lrap"]


def label_table(split: TokenisedSplit, given: np.ndarray) -> list[dict[str, float]]:
    """Return precision, recall, F1 and support of each label, 0 where nothing is given or true.

    Args:
        split: the texts and their targets.
        given: bool ``[N, C]``, the labels given to each text.
    """
    from sklearn.metrics import precision_recall_fscore_support

    scores = precision_recall_fscore_support(split.targets > HALF, given, average=None, zero_division=0)
    keys = ("precision", "recall", "f1", "support")
    return [dict(zip(keys, map(float, row), strict=True)) for row in zip(*scores, strict=True)]
