"""Bootstrap of the scores of labels given to texts: how much they vary with the choice of test texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

RESAMPLES = 1000
BATCH = 200  # resamples at a time, which bounds the memory
LEVEL = 0.95


def resampled_scores(
    true: np.ndarray, given: np.ndarray, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, np.ndarray]:
    """Return macro F1, micro F1 and Jaccard of resampled texts, by metric ``[R]``.

    Each resample draws N of the N texts with replacement (Efron 1979). Equal seeds draw equal texts, so that the scores
    of two rules on the same texts are paired.

    Args:
        true: bool ``[N, C]``.
        given: bool ``[N, C]``.
        resamples: number R of resamples.
        seed: seed of the draws.
    """
    batches = [scores_by_weights(true, given, weights) for weights in _weights(len(true), resamples, seed)]
    return {name: np.concatenate([scores[name] for scores in batches]) for name in batches[0]}


def scores_by_weights(true: np.ndarray, given: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Return the scores of texts that count ``weights [R, N]`` times, by metric ``[R]``; each row of weights sums to N.

    They are those of :mod:`fecbench.training.label_set_metrics`.
    """
    hits, gives, has = ((weights @ part.astype(np.float32)).astype(float) for part in (true & given, given, true))
    union = (true | given).sum(1)
    jaccard = np.where(union, (true & given).sum(1) / np.maximum(union, 1), 1)
    return {
        "macro_f1": (2 * hits / np.maximum(gives + has, 1)).mean(1),
        "micro_f1": 2 * hits.sum(1) / np.maximum((gives + has).sum(1), 1),
        "jaccard": weights @ jaccard / len(true),
    }


def interval(values: np.ndarray, level: float = LEVEL) -> tuple[float, float]:
    """Return the percentile interval of resampled values ``[R]``.

    >>> [round(end, 6) for end in interval(np.arange(101), 0.9)]
    [5.0, 95.0]
    """
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _weights(rows: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Yield how often each resample draws each row, float32 ``[R, N]`` in batches."""
    random = np.random.default_rng(seed)
    for start in range(0, resamples, BATCH):
        size = min(BATCH, resamples - start)
        draws = random.integers(rows, size=(size, rows))
        yield np.stack([np.bincount(drawn, minlength=rows) for drawn in draws]).astype(np.float32)
