"""Paired tests of two methods on the same test examples and seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fecbench.results.leaderboard.statistics.outcomes import BY_COUNTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fecbench.results.leaderboard.statistics.outcomes import Outcomes


RESAMPLES = 4999
BATCH = 250
ROUNDING = 1e-12  # equal scores differ by less: scores are fractions of at most a few million rows


def over_examples(first: Outcomes, second: Outcomes, resamples: int = RESAMPLES, seed: int = 0) -> dict[str, float]:
    """Return the two-sided p-values by metric of a paired permutation test over test examples.

    If the methods don't differ, each example's predictions could as well be the other method's. The test swaps them at
    random, for all seeds of an example at once. Its statistic is the difference of the two methods' means over the
    seeds (approximate randomisation, Noreen 1989; Yeh 2000 for F1).

    Args:
        first: ``S`` runs of one method on ``N`` examples.
        second: ``S`` runs of the other method with the same seeds.
        resamples: the number of random swaps; if there are fewer possible swaps, all are tried.
        seed: the seed of the random swaps; fixed, so that a table is reproducible.
    """
    from scipy.stats import permutation_test

    ours, theirs = first.counts(), second.counts()
    shape, totals = ours.shape[1:], (ours.sum(0), theirs.sum(0))
    moved = theirs - ours
    # swapping an example on which both methods agree changes nothing
    moved = moved[moved.any(axis=(1, 2, 3))].reshape(-1, int(np.prod(shape)))
    if len(moved) < 2:  # a single swap only turns the sign, so that p is 1; scipy needs two observations
        return dict.fromkeys(BY_COUNTS, 1.0)

    def differences(swapped: np.ndarray, kept: np.ndarray, axis: int) -> np.ndarray:  # noqa: ARG001  scipy's signature
        change = (swapped.astype(np.float32) @ moved).reshape(*swapped.shape[:-1], *shape).astype(np.float64)
        pairs = zip((totals[0] + change, totals[1] - change), (first.support, second.support), strict=True)
        one, other = ([of(counts, support).mean(-1) for of in BY_COUNTS.values()] for counts, support in pairs)
        return np.asarray(np.stack(one, -1) - np.stack(other, -1))

    swaps = np.zeros(len(moved)), np.ones(len(moved))
    result = permutation_test(
        swaps,
        differences,
        permutation_type="samples",
        vectorized=True,
        n_resamples=resamples,
        batch=BATCH,
        axis=-1,
        random_state=np.random.default_rng(seed),
    )
    return dict(zip(BY_COUNTS, np.broadcast_to(result.pvalue, len(BY_COUNTS)).tolist(), strict=True))


def over_seeds(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the two-sided p-value of a paired t-test of scores with the same seeds.

    If all seeds differ by the same amount, up to rounding, there is no variance to test against. Then p is 1 for no
    difference and 0 otherwise.

    >>> over_seeds([0.5, 0.5, 0.5], [0.5, 0.5, 0.5]), over_seeds([0.5, 0.6, 0.7], [0.4, 0.5, 0.6])
    (1.0, 0.0)
    """
    from scipy.stats import ttest_rel

    differences = np.subtract(first, second)
    if np.ptp(differences) < ROUNDING:
        return 0.0 if np.abs(differences).max() > ROUNDING else 1.0
    return float(ttest_rel(first, second).pvalue)


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
