"""Paired tests of two methods on the same test examples and seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fecbench.results.leaderboard.statistics.label_set_outcomes import LabelSetOutcomes
    from fecbench.results.leaderboard.statistics.outcomes import Outcomes

    Runs = TypeVar("Runs", Outcomes, LabelSetOutcomes)


RESAMPLES = 4999
BATCH = 250  # even, so that a batch takes whole 64-bit words
ROUNDING = 1e-12  # equal scores differ by less: scores are fractions of at most a few million rows


def over_examples(first: Runs, second: Runs, resamples: int = RESAMPLES, seed: int = 0) -> dict[str, float]:
    """Return the two-sided p-values by metric of a paired permutation test over test examples.

    If the methods don't differ, each example's predictions could as well be the other method's. The test swaps them at
    random, for all seeds of an example at once. Its statistic is the difference of the two methods' means over the
    seeds (approximate randomisation, Noreen 1989; Yeh 2000 for F1). The p-values are those of
    ``scipy.stats.permutation_test(permutation_type="samples")``, in a tenth of its time.

    Args:
        first: ``S`` runs of one method on ``N`` examples.
        second: ``S`` runs of the other method with the same seeds, on data of the same labelling.
        resamples: the number of random swaps; if there are fewer possible swaps, all are tried.
        seed: the seed of the random swaps; fixed, so that a table is reproducible.
    """
    moved = first.swap_effects(second)
    rows = moved.shape[1]
    if rows < 2:  # a single swap only turns the sign: both outcomes are as extreme
        return dict.fromkeys(first.metrics, 1.0)
    exact = 2**rows <= resamples
    swaps = _every_swap(rows) if exact else _random_swaps(rows, resamples, seed)
    totals = first.totals(), second.totals()

    def differences(swapped: np.ndarray) -> np.ndarray:
        # One product serves both methods: a swap changes the second one's totals by the opposite amount.
        change = np.ascontiguousarray((moved @ swapped).T).reshape(-1, *totals[0].shape).astype(np.float64)
        ours = first.scores(totals[0] + change).mean(-1)
        return np.asarray(ours - second.scores(totals[1] - change).mean(-1))

    observed = differences(np.zeros((rows, 1), np.float32))
    null = np.concatenate([differences(batch) for batch in swaps], axis=1)
    return dict(zip(first.metrics, _two_sided(null, observed, exact, first.rounding).tolist(), strict=True))


def _two_sided(null: np.ndarray, observed: np.ndarray, exact: bool, least: float) -> np.ndarray:
    """Return the p-value ``[K]`` of ``observed [K, 1]`` under the resampled statistics ``null [K, R]``.

    The observed statistic counts as one more resample, unless ``null`` has all there are. Differences within rounding
    count as equal, by the tolerance of scipy's permutation test, or by ``least`` if that is more.
    """
    rounding = np.maximum(100 * np.finfo(np.float64).eps * np.abs(observed), least)
    as_extreme = np.minimum((null <= observed + rounding).sum(1), (null >= observed - rounding).sum(1))
    added = 0 if exact else 1
    return np.asarray(np.minimum(1.0, 2 * ((as_extreme + added) / (null.shape[1] + added))))


def _every_swap(rows: int) -> Iterator[np.ndarray]:
    """Yield all ``2^rows`` swaps as one batch: ``[rows, 2^rows]`` of zeros and ones."""
    yield (np.arange(2**rows) >> np.arange(rows)[:, None] & 1).astype(np.float32)


def _random_swaps(rows: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Yield random swaps in batches: ``[rows, R]`` of zeros and ones.

    A row is swapped if the lowest bit of its 32-bit draw is 0. scipy's permutation test draws its swaps in the same way
    (``Generator.permuted`` on pairs), so that boards published with it keep their p-values.
    """
    raw = np.random.default_rng(seed).bit_generator.random_raw
    for start in range(0, resamples, BATCH):
        words = raw(BATCH * rows // 2).astype("<u8", copy=False)  # two draws a word, the lower half first
        lowest = words.view(np.uint8)[::4].reshape(BATCH, rows)[: resamples - start]
        yield np.float32(1) - (np.ascontiguousarray(lowest.T) & 1)


def over_seeds(first: Sequence[float], second: Sequence[float], overlap: float = 0.0) -> float:
    """Return the two-sided p-value of a paired t-test of scores with the same seeds, or of the same folds.

    If all seeds differ by the same amount, up to rounding, there is no variance to test against. Then p is 1 for no
    difference and 0 otherwise.

    Args:
        first: scores of one method.
        second: scores of the other method.
        overlap: ratio of test rows to training rows in a cross-validation. Its folds share training rows, so that the
            variance between them is too small by this share of it (Nadeau and Bengio 2003; Bouckaert and Frank 2004
            for several seeds).

    >>> over_seeds([0.5, 0.5, 0.5], [0.5, 0.5, 0.5]), over_seeds([0.5, 0.6, 0.7], [0.4, 0.5, 0.6])
    (1.0, 0.0)
    """
    from scipy.special import stdtr  # scipy.stats takes a second to import

    differences = np.subtract(first, second)
    if np.ptp(differences) < ROUNDING:
        return 0.0 if np.abs(differences).max() > ROUNDING else 1.0
    variance = differences.var(ddof=1)
    t = differences.mean() / np.sqrt(variance / len(differences) + overlap * variance)
    return float(2 * stdtr(len(differences) - 1, -abs(t)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number (Holm 1979).

    Each is multiplied by the number of p-values not smaller than it, and is at least as large as any smaller one's
    corrected value.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    corrected, highest = [0.0] * len(p_values), 0.0
    for rank, number in enumerate(sorted(range(len(p_values)), key=lambda number: p_values[number])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[number]))
        corrected[number] = highest
    return corrected
