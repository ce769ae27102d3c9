"""Scores of predicting the most frequent training class for every text: the baseline that a method must beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fecbench.runs.schema import ResultFile


@dataclass(frozen=True)
class Majority:
    """The most frequent class and the scores of always predicting it.

    Attributes:
        label: the class.
        scores: scores as fractions by split and metric.
    """

    label: str
    scores: Mapping[str, Mapping[str, float]]


def constant_scores(counts: Sequence[int], label: int) -> dict[str, float]:
    """Return accuracy, weighted F1 and macro F1 of predicting class ``label`` for every row of a split.

    The class has precision ``n / N`` and recall 1, and every other class scores 0. The scores equal scikit-learn's
    with ``zero_division=0``.

    Args:
        counts: rows of each class in the split.
        label: number of the predicted class.

    >>> constant_scores([6, 2], 0)
    {'accuracy': 0.75, 'weighted_f1': 0.6428571428571428, 'macro_f1': 0.42857142857142855}
    """
    share = counts[label] / max(sum(counts), 1)
    f1 = 2 * share / (1 + share)
    return {"accuracy": share, "weighted_f1": share * f1, "macro_f1": f1 / len(counts)}


def majority_scores(labels: Sequence[str], train: np.ndarray, scored: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Return the most frequent training class and its scores on each split, as in ``result.json``.

    Args:
        labels: the ``C`` label names.
        train: int64 ``[N]``, labels of the rows trained on.
        scored: int64 ``[N]`` for each split that is scored.
    """
    most_frequent = int(np.bincount(train, minlength=len(labels)).argmax())
    return {
        "label": labels[most_frequent],
        "scores": {
            split: constant_scores(np.bincount(rows, minlength=len(labels)).tolist(), most_frequent)
            for split, rows in scored.items()
        },
    }


def recorded_majority(result: ResultFile) -> Majority | None:
    """Return the most frequent training class of a record; None for an older record, which doesn't tell it."""
    return Majority(result.majority.label, result.majority.scores) if result.majority else None


def majority_of_test(support: Mapping[str, int]) -> Majority:
    """Return the most frequent test class and its scores on the test split, from the test rows of each class."""
    label = max(support, key=lambda name: support[name])
    counts = list(support.values())
    return Majority(label, {"test": constant_scores(counts, counts.index(support[label]))})
