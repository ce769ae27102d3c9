"""Paired tests of two methods by their scores without each block of test rows."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from fecbench.core.errors import RunError
from fecbench.results.leaderboard.statistics.paired_tests import ROUNDING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fecbench.results.leaderboard.run import Run

    Pair = tuple[np.ndarray, np.ndarray]


def over_blocks(difference: float, folds: Sequence[Pair]) -> float:
    """Return the two-sided p-value of a paired jackknife over blocks of test rows.

    The variance of the difference of two methods is ``(K - 1) / K sum_k (d_k - mean d)^2`` with d_k their difference
    without block k (delete-a-group jackknife: Shao and Tu 1995, section 2.3). The difference over its standard
    deviation has a t-distribution with K - 1 degrees of freedom. For a mean over rows in blocks of one size this is the
    paired t-test of the blocks' means. If no block changes the difference, p is 1 for no difference and 0 otherwise.

    Args:
        difference: the methods' difference on all rows, the mean over seeds and folds.
        folds: for each fold of a cross-validation, or once, both methods' scores without each block, the means over
            seeds: float64 ``[K]`` each.

    >>> round(over_blocks(0.5, [(np.array([0.5, 0.7, 0.6]), np.array([0.1, 0.1, 0.1]))]), 4)
    0.0494
    """
    from scipy.special import stdtr  # scipy.stats takes a second to import

    without = [first - second for first, second in folds]
    variances = [(len(each) - 1) / len(each) * np.square(each - each.mean()).sum() for each in without]
    deviation = np.sqrt(sum(variances)) / len(without)  # of a mean over independent folds
    if deviation < ROUNDING:
        return 0.0 if abs(difference) > ROUNDING else 1.0
    freedom = sum(len(each) - 1 for each in without)
    return float(2 * stdtr(freedom, -abs(difference) / deviation))


def blocks_of(metric: str, first: Sequence[Run], second: Sequence[Run]) -> list[Pair]:
    """Return both methods' scores without each block, for each fold; runs are paired by seed and fold.

    Raises:
        RunError: a record holds no such scores, or as many as don't fit the others.
    """
    folds: dict[int | None, list[Pair]] = defaultdict(list)
    for ours, theirs in zip(first, second, strict=True):
        folds[ours.fold].append((_without_block(ours, metric), _without_block(theirs, metric)))
    sizes = [{len(scores) for pair in pairs for scores in pair} for pairs in folds.values()]
    if any(len(size) > 1 for size in sizes):
        raise RunError("the records have different numbers of blocks of test rows")
    return [
        (np.mean([a for a, _ in pairs], axis=0), np.mean([b for _, b in pairs], axis=0)) for pairs in folds.values()
    ]


def _without_block(run: Run, metric: str) -> np.ndarray:
    scores = (run.record.result_file.without_block or {}).get(metric, [])
    if len(scores) < 2:
        raise RunError(
            f"{run.record.id} holds no scores without blocks of test rows, because it has too few rows or is older"
        )
    return np.array(scores)
