"""Metrics of texts with several labels: pure functions of arrays ``[N, C]``.

Three kinds of arguments: ``true`` and ``given`` are bool, the labels of each text and those it was given;
``probabilities`` are between 0 and 1; ``targets`` are, too: 0 and 1, or shares of raters.

>>> true = np.array([[1, 0, 1], [0, 1, 0], [0, 0, 0], [1, 1, 0]], dtype=bool)
>>> given = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0], [1, 0, 1]], dtype=bool)
>>> round(micro_f1(true, given), 6), round(jaccard(true, given), 6)
(0.6, 0.583333)
"""

from __future__ import annotations

import numpy as np
from scipy.special import entr, xlog1py, xlogy

BINS = 15


def micro_f1(true: np.ndarray, given: np.ndarray) -> float:
    """Return the F1 over all pairs of text and label; sklearn's ``f1_score(average="micro", zero_division=0)``."""
    return _f1(true, given, "micro")


def macro_f1(true: np.ndarray, given: np.ndarray) -> float:
    """Return the mean F1 of all labels; a label that is neither true nor given in any text scores 0.

    sklearn's ``f1_score(average="macro", zero_division=0)``.
    """
    return _f1(true, given, "macro")


def weighted_f1(true: np.ndarray, given: np.ndarray) -> float:
    """Return the mean F1 of all labels, weighted by their number of texts; sklearn's, with ``zero_division=0``."""
    return _f1(true, given, "weighted")


def samples_f1(true: np.ndarray, given: np.ndarray, both_empty: float = 1.0) -> float:
    """Return the mean F1 of the texts; ``both_empty`` is the score of a text without labels that was given none."""
    return _f1(true, given, "samples", both_empty)


def jaccard(true: np.ndarray, given: np.ndarray, both_empty: float = 1.0) -> float:
    """Return the mean over texts of intersection over union, SemEval's "accuracy" (SemEval-2018 Task 1, E-c).

    ``both_empty`` is the score of a text without labels that was given none. sklearn's
    ``jaccard_score(average="samples")``.
    """
    from sklearn.metrics import jaccard_score

    return float(jaccard_score(true, given, average="samples", zero_division=both_empty))


def exact_match(true: np.ndarray, given: np.ndarray) -> float:
    """Return the fraction of texts that were given exactly their labels."""
    return float(np.mean((true == given).all(1)))


def hamming(true: np.ndarray, given: np.ndarray) -> float:
    """Return the fraction of wrong pairs of text and label, lower is better; sklearn's ``hamming_loss``."""
    return float(np.mean(true != given))


def mean_average_precision(true: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the mean average precision of all labels that some text has, 0 if no text has a label.

    :func:`labels_without_text` are left out. sklearn's ``average_precision_score(average="macro")`` of the others.
    """
    from sklearn.metrics import average_precision_score

    columns = [(q, p) for q, p in zip(true.T, probabilities.T, strict=True) if q.any()]
    return float(np.mean([average_precision_score(q, p) for q, p in columns])) if columns else 0.0


def labels_without_text(true: np.ndarray) -> list[int]:
    """Return the numbers of the labels that no text has."""
    numbers: list[int] = np.flatnonzero(~true.any(0)).tolist()
    return numbers


def lrap(true: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the label ranking average precision; a text without labels counts 1.

    sklearn's ``label_ranking_average_precision_score``.
    """
    from sklearn.metrics import label_ranking_average_precision_score

    return float(label_ranking_average_precision_score(true, probabilities))


def nll(targets: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the negative log-likelihood in nats per text, summed over labels; lower is better.

    Probabilities are clipped to the distance of a float64's rounding from 0 and 1, as in sklearn's ``log_loss``.
    """
    smallest = np.finfo(float).eps
    p = np.clip(probabilities.astype(float), smallest, 1 - smallest)
    return float(-(xlogy(targets, p) + xlog1py(1 - targets, -p)).sum(1).mean())


def brier(targets: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the mean over texts of the squared distance of probabilities and targets; lower is better."""
    return float(np.square(probabilities - targets).sum(1).mean())


def ece(targets: np.ndarray, probabilities: np.ndarray, bins: int = BINS) -> float:
    """Return the expected calibration error over all pairs of text and label; lower is better.

    The mean distance between mean probability and mean target of ``bins`` bins of equal size, by probability (Nixon et
    al. 2019, Measuring Calibration in Deep Learning, section 3.3). Pairs of equal probability share their mean target:
    it doesn't matter which of them a bin's edge separates.
    """
    values, owners, counts = np.unique(probabilities, return_inverse=True, return_counts=True)
    means = np.bincount(owners.ravel(), weights=targets.ravel()) / counts
    distances = np.repeat(values - means, counts)
    return float(sum(abs(part.sum()) for part in np.array_split(distances, bins)) / distances.size)


def classwise_ece(targets: np.ndarray, probabilities: np.ndarray, bins: int = BINS) -> float:
    """Return the mean of the :func:`ece` of each label; lower is better (Nixon et al. 2019, section 3.2)."""
    columns = zip(targets.T, probabilities.T, strict=True)
    return float(np.mean([ece(q, p, bins) for q, p in columns]))


def nll_floor(targets: np.ndarray) -> float:
    """Return the least :func:`nll` of any probabilities: the entropy of the targets in nats per text."""
    return float(_entropies(targets).mean())


def excess_nll(targets: np.ndarray, probabilities: np.ndarray) -> float:
    """Return :func:`nll` less :func:`nll_floor`, the divergence from raters to probabilities; lower is better."""
    return nll(targets, probabilities) - nll_floor(targets)


def soft_micro_f1(targets: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the soft F1 over all cells, ``2 sum min(q, p) / sum (q + p)`` (Kurniawan et al. 2025)."""
    return float(_soft_f1(targets.ravel()[:, None], probabilities.ravel()[:, None])[0])


def soft_macro_f1(targets: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the mean over labels of the soft F1 ``2 sum min(q, p) / sum (q + p)`` (Kurniawan et al. 2025)."""
    return float(_soft_f1(targets, probabilities).mean())


def po_jsd(targets: np.ndarray, probabilities: np.ndarray) -> float:
    """Return 1 less the mean over texts and labels of the Jensen-Shannon divergence in bits (Kurniawan et al. 2025)."""
    middle = (targets + probabilities) / 2
    divergences = _bernoulli(middle) - (_bernoulli(targets) + _bernoulli(probabilities)) / 2
    return float(1 - divergences.mean() / np.log(2))


def manhattan(targets: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the mean over texts of the sum of ``|q - p|`` over labels; lower is better (LeWiDi)."""
    return float(np.abs(targets - probabilities).sum(1).mean())


def entropy_correlation(targets: np.ndarray, probabilities: np.ndarray) -> float:
    """Return Pearson's correlation of the entropies of targets and probabilities, 0 if either are all equal.

    It tells whether probabilities are undecided on the texts on which raters disagree (Kurniawan et al. 2025).
    """
    return correlation(_entropies(targets), _entropies(probabilities))


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Return Pearson's correlation of two arrays ``[N]``, 0 if the values of either are all equal."""
    return float(np.corrcoef(one, other)[0, 1]) if np.ptp(one) > 0 and np.ptp(other) > 0 else 0.0


def _f1(true: np.ndarray, given: np.ndarray, average: str, zero_division: float = 0.0) -> float:
    from sklearn.metrics import f1_score

    return float(f1_score(true, given, average=average, zero_division=zero_division))


def _soft_f1(targets: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return the soft F1 of each column, 0 for a column of zeros."""
    sums = (targets + probabilities).sum(0)
    scores: np.ndarray = 2 * np.minimum(targets, probabilities).sum(0) / np.where(sums > 0, sums, 1)
    return scores


def _entropies(probabilities: np.ndarray) -> np.ndarray:
    """Return the entropy of each row of independent Bernoulli variables, in nats."""
    entropies: np.ndarray = _bernoulli(probabilities).sum(1)
    return entropies


def _bernoulli(probabilities: np.ndarray) -> np.ndarray:
    entropies: np.ndarray = entr(probabilities) + entr(1 - probabilities)
    return entropies
