"""Line search for the debiasing coefficients (Tu et al. 2023; the released code's search)."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from fecbench import FecbenchError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Score = Callable[[np.ndarray, np.ndarray], np.ndarray]  # of logits [P, n, C] and the truth; one number a set

STEP = 0.1
PATIENCE = 20
AT_ONCE = 2**22  # most logits in memory at once: 32 MiB

Point = tuple[int, ...]


@dataclass(frozen=True)
class Searched:
    """Result of a search.

    Attributes:
        steps: coefficients as integer multiples of ``STEP``, so that sums of 0.1 don't accumulate rounding.
        score: score with these coefficients.
        raw_score: score with all coefficients 0.
        points: number of points that were scored.
    """

    steps: Point
    score: float
    raw_score: float
    points: int


def answer_scores(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the weighted F1 ``[P]`` of the most probable labels by P sets of logits ``[P, n, C]``."""
    return weighted_f1_scores(logits.argmax(2), labels, logits.shape[2])


def line_search(logits: np.ndarray, biases: np.ndarray, truth: np.ndarray, score: Score = answer_scores) -> Searched:
    """Search coefficients a that maximise the score of ``logits - sum_k a_k biases_k`` by steps along rays.

    From the best point so far one ray starts into each direction of {-1, 0, 1}^K (first coefficient
    outermost, -1 first). A ray ends after ``PATIENCE`` steps in a row without a new best. Rounds of rays
    repeat until a round changes nothing. Only a strictly better point replaces the best, so this order
    decides among equal points. The score is never below the raw one.

    Args:
        logits: logits of the texts ``[n, C]``.
        biases: logits of their counterfactuals ``[K, n, C]``.
        truth: the texts' labels, int ``[n]``, or what else ``score`` compares logits with.
        score: function of P sets of logits ``[P, n, C]`` and ``truth`` that returns ``[P]``; by default the weighted
            F1 of the most probable labels.

    Raises:
        FecbenchError: a logit is infinite or NaN.

    >>> logits = np.array([[2, 1.5, 0], [1.8, 1.7, 0], [1.9, 0, 1.6], [2.5, 0, 0]])
    >>> line_search(logits, np.array([[[1.0, 0, 0]] * 4]), np.array([1, 1, 2, 0])).steps
    (6,)
    """
    scores = _Scores(_finite(logits), _finite(biases), truth, score)
    best: Point = (0,) * len(biases)
    (raw,) = scores([best])
    best_score, changed = raw, True
    while changed:
        origin = best
        for direction in product((-1, 0, 1), repeat=len(biases)):
            if any(direction):
                best, best_score = _along(scores, origin, direction, best, best_score)
        changed = best != origin
    return Searched(best, best_score, raw, len(scores.memo))


def _along(scores: _Scores, origin: Point, direction: Point, best: Point, score: float) -> tuple[Point, float]:
    """Walk a ray from ``origin`` and return the best point and its score."""
    next_step, last_gain = 0, 0
    while next_step <= last_gain + PATIENCE:
        # All steps up to the end of patience are scored in one batch; a gain among them extends the ray.
        points = [
            tuple(o + step * d for o, d in zip(origin, direction, strict=True))
            for step in range(next_step, last_gain + PATIENCE + 1)
        ]
        for step, (point, point_score) in enumerate(zip(points, scores(points), strict=True), next_step):
            if point_score > score:
                best, score, last_gain = point, point_score, step
        next_step += len(points)
    return best, score


@dataclass
class _Scores:
    """Scores at points, computed once for each."""

    logits: np.ndarray
    biases: np.ndarray
    truth: np.ndarray
    score: Score
    memo: dict[Point, float] = field(default_factory=dict)

    def __call__(self, points: Sequence[Point]) -> list[float]:
        new = [point for point in dict.fromkeys(points) if point not in self.memo]
        chunk = max(1, AT_ONCE // max(1, self.logits.size))
        for start in range(0, len(new), chunk):
            part = new[start : start + chunk]
            debiased = self.logits - np.einsum("pk,knc->pnc", STEP * np.array(part), self.biases)
            scores = self.score(debiased, self.truth)
            # Rounded: scores that are equal must compare equal, in whatever order their terms were summed.
            self.memo.update(zip(part, scores.round(12).tolist(), strict=True))
        return [self.memo[point] for point in points]


def weighted_f1_scores(predicted: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Return the weighted F1 ``[P]`` of P sets of predictions: the mean of F1 over classes, weighted by true rows.

    Args:
        predicted: int ``[P, n]``.
        labels: int ``[n]``.
        classes: number of classes C.

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
            f"the search for coefficients needs finite logits, but {bad:,} rows have others; "
            "try a lower --lr or --clip 1"
        )
    return np.asarray(logits, dtype=np.float64)
