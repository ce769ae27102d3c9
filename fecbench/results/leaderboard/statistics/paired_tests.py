"""Two methods, the same test examples and seeds: is one better?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fecbench.results.leaderboard.statistics.outcomes import BY_COUNTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fecbench.results.leaderboard.statistics.outcomes import Outcomes


RESAMPLES = 4999
BATCH = 250
ROUNDING = 1e-12  # scores are fractions of at most a few million rows


def over_examples(first: Outcomes, second: Outcomes, resamples: int = RESAMPLES, seed: int = 0) -> dict[str, float]:
    """Two-sided p-values by metric of a paired permutation test over test examples.

    Under the hypothesis that the methods don't differ, an example's predictions could as well have come from the other method: each is
    swapped or not, under all seeds at once. The statistic is the difference of the two methods' means over the seeds (approximate
    randomisation, Noreen 1989; Yeh 2000 for F1). ``seed`` makes a table repeatable, not random.

    Args:
        first: ``S`` runs of one method on ``N`` examples.
        second: the other method's, under the same seeds.
        resamples: random swaps; all are tried where there are fewer.
        seed: of the random swaps.
    """
    from scipy.stats import permutation_test

    ours, theirs = first.counts(), second.counts()
    shape, totals = ours.shape[1:], (ours.sum(0), theirs.sum(0))
    moved = theirs - ours
    moved = moved[moved.any(axis=(1, 2, 3))].reshape(
        -1, int(np.prod(shape))
    )  # to swap an example on which all agree changes nothing
    if (
        len(moved) < 2
    ):  # one swap alone turns the difference's sign: both outcomes are as extreme (and scipy wants two observations)
        return dict.fromkeys(BY_COUNTS, 1.0)

    def differences(swapped: np.ndarray, kept: np.ndarray, axis: int) -> np.ndarray:  # noqa: ARG001  scipy calls it so
        change = (swapped.astype(np.float32) @ moved).reshape(*swapped.shape[:-1], *shape).astype(np.float64)
        pairs = zip((totals[0] + change, totals[1] - change), (first.support, second.support), strict=True)
        one, other = ([of(counts, support).mean(-1) for of in BY_COUNTS.values()] for counts, support in pairs)
        return np.asarray(np.stack(one, -1) - np.stack(other, -1))

    swaps = np.zeros(len(moved)), np.ones(len(moved))
    found = permutation_test(
        swaps,
        differences,
        permutation_type="samples",
        vectorized=True,
        n_resamples=resamples,
        batch=BATCH,
        axis=-1,
        random_state=np.random.default_rng(seed),
    )
    return dict(zip(BY_COUNTS, np.broadcast_to(found.pvalue, len(BY_COUNTS)).tolist(), strict=True))


def over_seeds(first: Sequence[float], second: Sequence[float]) -> float:
    """Two-sided p-value of a paired t-test of scores under the same seeds.

    Where all seeds differ by the same amount, but for rounding, there is no spread to test against: p is 1 for no difference, else 0.

    >>> over_seeds([0.5, 0.5, 0.5], [0.5, 0.5, 0.5]), over_seeds([0.5, 0.6, 0.7], [0.4, 0.5, 0.6])
    (1.0, 0.0)
    """
    from scipy.stats import ttest_rel

    differences = np.subtract(first, second)
    if np.ptp(differences) < ROUNDING:
        return 0.0 if np.abs(differences).max() > ROUNDING else 1.0
    return float(ttest_rel(first, second).pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected for their number (Holm 1979): each times the number of those not smaller, never below a smaller one's.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    found, highest = [0.0] * len(p_values), 0.0
    for rank, number in enumerate(sorted(range(len(p_values)), key=lambda number: p_values[number])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[number]))
        found[number] = highest
    return found
