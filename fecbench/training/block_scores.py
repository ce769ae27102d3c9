"""Scores of probabilities on all test rows but a block of them, for each block.

The negative log-likelihood or the ranking of a single text would reveal its labels, which the data's licence may
forbid to publish. Scores without a block of rows reveal none, and they suffice to estimate how much the difference of
two methods depends on the test rows (delete-a-group jackknife: Shao and Tu 1995, The Jackknife and Bootstrap,
section 2.3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

BLOCKS, LEAST_BLOCKS = 100, 10
# At least so many rows a block, and so few decimals: a score then has fewer bits than the labels of the block.
LEAST_ROWS, DECIMALS = 32, 5
BLOCK_METRICS = ("mean_average_precision", "lrap", "nll", "brier")


def scores_without_blocks(targets: np.ndarray, probabilities: np.ndarray) -> dict[str, list[float]]:
    """Return each of ``BLOCK_METRICS`` without each block of rows; {} if the rows are too few for blocks.

    Args:
        targets: ``[N, C]``, 0 and 1 or shares; shares above 0.5 count as labels of rankings.
        probabilities: ``[N, C]``.
    """
    # late: it imports scipy, which readers of records don't need
    from fecbench.training.label_set_metrics import brier, lrap, nll

    blocks = block_numbers(len(targets))
    if blocks is None:
        return {}
    true = targets > 0.5
    scores = {
        "mean_average_precision": average_precisions_without(true, probabilities, blocks),
        "lrap": means_without(lrap, true, probabilities, blocks),
        "nll": means_without(nll, targets, probabilities, blocks),
        "brier": means_without(brier, targets, probabilities, blocks),
    }
    return {name: values.round(DECIMALS).tolist() for name, values in scores.items()}


def block_numbers(rows: int) -> np.ndarray | None:
    """Return the number of each row's block, int64 ``[N]``; None if the rows are too few.

    Neighbouring rows are in different blocks, since files may be sorted by label. The blocks depend on the number of
    rows alone, so that all runs on one test split share them.

    >>> block_numbers(320)[:12].tolist(), block_numbers(319)
    ([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1], None)
    """
    number = min(BLOCKS, rows // LEAST_ROWS)
    return np.arange(rows) % number if number >= LEAST_BLOCKS else None


def means_without(
    metric: Callable[[np.ndarray, np.ndarray], float], true: np.ndarray, probabilities: np.ndarray, blocks: np.ndarray
) -> np.ndarray:
    """Return a metric that is a mean over texts without each block, float64 ``[K]``."""
    sizes = np.bincount(blocks)
    of_blocks = [metric(true[blocks == block], probabilities[blocks == block]) for block in range(len(sizes))]
    sums = sizes * np.array(of_blocks)
    without: np.ndarray = (sums.sum() - sums) / (len(blocks) - sizes)
    return without


def average_precisions_without(true: np.ndarray, probabilities: np.ndarray, blocks: np.ndarray) -> np.ndarray:
    """Return the mean average precision without each block, float64 ``[K]``.

    As in the metric, the mean is over the labels that some of the remaining rows has; it is 0 if none has any.
    """
    labels = zip(true.T, probabilities.T, strict=True)
    scores = np.array([_of_label_without(column, p, blocks) for column, p in labels])
    known = ~np.isnan(scores)
    means: np.ndarray = np.where(known, scores, 0).sum(0) / np.maximum(known.sum(0), 1)
    return means


def _of_label_without(true: np.ndarray, probabilities: np.ndarray, blocks: np.ndarray) -> np.ndarray:
    """Return the average precision of one label without each block ``[K]``; NaN where no remaining row has it."""
    order = np.argsort(-probabilities, kind="stable")
    ranked, descending, block_of = true[order], probabilities[order], blocks[order]
    kept = (block_of != block for block in range(blocks.max() + 1))
    return np.array([average_precision(ranked[rows], descending[rows]) for rows in kept])


def average_precision(true: np.ndarray, descending: np.ndarray) -> float:
    """Return the average precision of rows in descending order of their probability; NaN if none is true.

    Equal probabilities share a rank, as in sklearn's ``average_precision_score``.

    >>> round(average_precision(np.array([True, False, True]), np.array([0.9, 0.5, 0.5])), 6)
    0.833333
    """
    last = np.flatnonzero(np.append(np.diff(descending) != 0, True))  # the last row of each probability
    hits = np.cumsum(true)[last]
    if not hits[-1]:
        return float("nan")
    return float((np.diff(hits, prepend=0) * hits / (last + 1)).sum() / hits[-1])
