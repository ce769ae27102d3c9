"""The search for coefficients: steps along rays, scored by weighted F1 (Tu et al. 2023, as the released code does it)."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from fecbench import FecbenchError

if TYPE_CHECKING:
    from collections.abc import Sequence

STEP = 0.1
PATIENCE = 20
AT_ONCE = 2**22  # logits that are held at once: 32 MiB

Point = tuple[int, ...]


@dataclass(frozen=True)
class Searched:
    """What a search found: the coefficients in steps of ``STEP``, their score, the raw score, and how many points were scored."""

    steps: Point
    score: float
    raw_score: float
    points: int


def line_search(logits: np.ndarray, biases: np.ndarray, labels: np.ndarray) -> Searched:
    """Coefficients a of ``logits - sum_k a_k biases_k`` with the greatest weighted F1 that steps along rays find.

    From the best point so far a ray goes into each direction of {-1, 0, 1}^K (the first coefficient outermost, -1 first), until
    ``PATIENCE`` steps in a row were no better than the best of all rays. Rounds of rays are made until one changes nothing. Only what is
    strictly better replaces what was found before, so that equal points keep to this order; no score is below the raw one.

    Args:
        logits: ``[n, C]``, of the texts.
        biases: ``[K, n, C]``, of their counterfactuals.
        labels: int ``[n]``.

    Raises:
        FecbenchError: a logit is infinite or NaN.

    >>> logits = np.array([[2, 1.5, 0], [1.8, 1.7, 0], [1.9, 0, 1.6], [2.5, 0, 0]])
    >>> line_search(logits, np.array([[[1.0, 0, 0]] * 4]), np.array([1, 1, 2, 0])).steps
    (6,)
    """
    scores = _Scores(_finite(logits), _finite(biases), labels)
    best: Point = (0,) * len(biases)
    (raw,) = scores([best])
    score, changed = raw, True
    while changed:
        origin = best
        for direction in product((-1, 0, 1), repeat=len(biases)):
            if any(direction):
                best, score = _along(scores, origin, direction, best, score)
        changed = best != origin
    return Searched(best, score, raw, len(scores.memo))


def _along(scores: _Scores, origin: Point, direction: Point, best: Point, score: float) -> tuple[Point, float]:
    """The best point, and its score, once a ray from ``origin`` has been walked."""
    place, last = 0, 0
    while place <= last + PATIENCE:
        ahead = [
            tuple(o + step * d for o, d in zip(origin, direction, strict=True))
            for step in range(place, last + PATIENCE + 1)
        ]
        for step, (point, found) in enumerate(zip(ahead, scores(ahead), strict=True), place):
            if found > score:
                best, score, last = point, found, step
        place += len(ahead)
    return best, score


@dataclass
class _Scores:
    """Weighted F1 at points, each computed once."""

    logits: np.ndarray
    biases: np.ndarray
    labels: np.ndarray
    memo: dict[Point, float] = field(default_factory=dict)

    def __call__(self, points: Sequence[Point]) -> list[float]:
        new = [point for point in dict.fromkeys(points) if point not in self.memo]
        share = max(1, AT_ONCE // max(1, self.logits.size))
        for start in range(0, len(new), share):
            part = new[start : start + share]
            moved = self.logits - np.einsum("pk,knc->pnc", STEP * np.array(part), self.biases)
            found = weighted_f1_scores(moved.argmax(2), self.labels, self.logits.shape[1])
            self.memo.update(
                zip(part, found.round(12).tolist(), strict=True)
            )  # equal scores must be equal, whatever the sums' order
        return [self.memo[point] for point in points]


def weighted_f1_scores(predicted: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Weighted F1 ``[P]`` of P sets of predictions: the mean over classes of F1, weighed by true rows.

    Args:
        predicted: int ``[P, n]``.
        labels: int ``[n]``.
        classes: C.

    >>> weighted_f1_scores(np.array([[0, 0, 0, 0], [1, 1, 2, 0]]), np.array([1, 1, 2, 0]), 3)
    array([0.1, 1. ])
    """
    sets = len(predicted)
    cells = (np.arange(sets)[:, None] * classes + labels) * classes + predicted
    confusion = np.bincount(cells.ravel(), minlength=sets * classes**2).reshape(sets, classes, classes)
    hits, true = np.diagonal(confusion, axis1=1, axis2=2), confusion.sum(2)
    scores: np.ndarray = (2 * hits / np.maximum(true + confusion.sum(1), 1) * true).sum(1) / len(labels)
    return scores


def _finite(logits: np.ndarray) -> np.ndarray:
    bad = int((~np.isfinite(logits)).any(-1).sum())
    if bad:
        raise FecbenchError(
            f"the search for coefficients needs finite logits, but {bad:,} rows have others; try a lower --lr or --clip 1"
        )
    return np.asarray(logits, dtype=np.float64)
