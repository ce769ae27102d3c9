"""Score many sets of logits by how they rank labels, for texts with several labels."""

from __future__ import annotations

import numpy as np


def ranking_scores(scores: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Return mean average precision + label ranking average precision of P sets of scores, ``[P]``.

    The sum also chooses the best epoch. Neither part depends on thresholds, which are tuned after the search. A label
    that no text has is left out of the mean; a text without labels counts 1.

    Args:
        scores: ``[P, n, C]``.
        true: bool ``[n, C]``, the labels of each text.

    >>> scores = np.array([[[0.9, 0.2, 0.4], [0.6, 0.5, 0.1]]])
    >>> ranking_scores(scores, np.array([[1, 0, 1], [0, 1, 0]], dtype=bool))
    array([1.75])
    """
    of_texts = np.where(true.any(1), average_precisions(scores, true), 1.0)
    has_text = true.any(0)
    of_labels = average_precisions(scores.swapaxes(1, 2), true.T)[:, has_text]
    sums: np.ndarray = of_texts.mean(1) + (of_labels.mean(1) if has_text.any() else 0.0)
    return sums


def average_precisions(scores: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Return the average precision of each ranking, ``[P, N]``; 0 without a true item.

    It is the mean, over the true items, of the share of true items among those with at least the item's score:
    sklearn's ``average_precision_score``.

    Args:
        scores: ``[P, N, K]``, the scores of the K items of N rankings.
        true: bool ``[N, K]``.
    """
    order = np.argsort(-scores, axis=2, kind="stable")
    ranked = np.take_along_axis(scores, order, 2)
    hits = np.take_along_axis(np.broadcast_to(true, scores.shape), order, 2)
    count = scores.shape[2]
    # Items with equal scores share the rank of the last of them.
    is_last = np.append(ranked[..., 1:] != ranked[..., :-1], np.ones((*ranked.shape[:2], 1), dtype=bool), axis=2)
    ranks = np.where(is_last, np.arange(1, count + 1), count)
    ranks = np.minimum.accumulate(ranks[..., ::-1], axis=2)[..., ::-1]
    precisions = np.take_along_axis(hits.cumsum(2), ranks - 1, 2) / ranks
    means: np.ndarray = (precisions * hits).sum(2) / np.maximum(hits.sum(2), 1)
    return means
