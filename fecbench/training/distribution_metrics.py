"""Metrics of the probabilities of labels that exclude one another: pure functions of arrays ``[N, C]``.

``probabilities`` and ``targets`` are distributions in each row; targets are one-hot or shares of raters. ``true`` are
the labels, int ``[N]``. A text without an answer has a row of zeros as its probabilities.

>>> p = np.array([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]])
>>> round(mean_reciprocal_rank(np.array([0, 1]), p), 4), top_k_accuracy(np.array([0, 1]), p, 2)
(0.75, 1.0)
"""

from __future__ import annotations

import numpy as np
from scipy.special import entr, xlogy

from fecbench.training import label_set_metrics


def ranks(true: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return the rank of each true label by its probability, from 1, float64 ``[N]``; infinity without an answer.

    Of equally probable labels the first comes first, as in :func:`fecbench.training.logits.answers`.
    """
    own = probabilities[np.arange(len(true)), true][:, None]
    before = np.arange(probabilities.shape[1]) < true[:, None]
    ahead = (probabilities > own) | ((probabilities == own) & before)
    return np.where(probabilities.any(1), 1.0 + ahead.sum(1), np.inf)


def top_k_accuracy(true: np.ndarray, probabilities: np.ndarray, k: int) -> float:
    """Return the fraction of texts whose true label is among the ``k`` most probable ones."""
    return float(np.mean(ranks(true, probabilities) <= k))


def mean_reciprocal_rank(true: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the mean of 1 / rank of the true label; 0 for a text without an answer."""
    return float(np.mean(1 / ranks(true, probabilities)))


def nll(targets: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the cross-entropy of targets and probabilities in nats per text; lower is better.

    Probabilities are raised to the distance of a float64's rounding from 1, as in sklearn's ``log_loss``.
    """
    return float(-xlogy(targets, np.maximum(probabilities, np.finfo(float).eps)).sum(1).mean())


def nll_floor(targets: np.ndarray) -> float:
    """Return the least :func:`nll` of any probabilities: the entropy of the targets in nats per text."""
    return float(_entropies(targets).mean())


def excess_nll(targets: np.ndarray, probabilities: np.ndarray) -> float:
    """Return :func:`nll` less :func:`nll_floor`, the divergence from raters to probabilities; lower is better."""
    return nll(targets, probabilities) - nll_floor(targets)


def ece(targets: np.ndarray, probabilities: np.ndarray, bins: int = label_set_metrics.BINS) -> float:
    """Return the expected calibration error of the most probable label; lower is better.

    The mean distance between its mean probability and its mean target in ``bins`` bins of equal size, by probability
    (Guo et al. 2017, On Calibration of Modern Neural Networks, with the bins of Nixon et al. 2019). A text without an
    answer counts as right with probability 0.
    """
    best = probabilities.argmax(1)[:, None]
    confidence = np.take_along_axis(probabilities, best, 1)
    right = np.take_along_axis(targets, best, 1) * probabilities.any(1, keepdims=True)
    return label_set_metrics.ece(right, confidence, bins)


def po_jsd(targets: np.ndarray, probabilities: np.ndarray) -> float:
    """Return 1 less the mean over texts of the Jensen-Shannon divergence in bits (Kurniawan et al. 2025)."""
    middle = _entropies((targets + probabilities) / 2)
    divergences = middle - (_entropies(targets) + _entropies(probabilities)) / 2
    return float(1 - divergences.mean() / np.log(2))


def entropy_correlation(targets: np.ndarray, probabilities: np.ndarray) -> float:
    """Return Pearson's correlation of the entropies of targets and probabilities, 0 if either are all equal.

    It tells whether probabilities are undecided on the texts on which raters disagree (Kurniawan et al. 2025).
    """
    return label_set_metrics.correlation(_entropies(targets), _entropies(probabilities))


def _entropies(distributions: np.ndarray) -> np.ndarray:
    """Return the entropy of each row in nats."""
    entropies: np.ndarray = entr(distributions).sum(1)
    return entropies
