"""Scores without blocks of rows: as if the metric were computed on the other rows, and too coarse to reveal labels."""

import numpy as np
import pytest

from fecbench.training import label_set_metrics
from fecbench.training.block_scores import BLOCK_METRICS, DECIMALS, LEAST_ROWS, block_numbers, scores_without_blocks

METRICS = {name: getattr(label_set_metrics, name) for name in BLOCK_METRICS}


def sample(rows: int, decimals: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Labels, of which the last is rare, and probabilities with many ties."""
    draw = np.random.default_rng(1)
    true = draw.random((rows, 4)) < (0.5, 0.3, 0.1, 0.01)
    shares = (0.5 * true + 0.5 * draw.random((rows, 4))).clip(0.01, 0.99).round(decimals)
    return true, shares


@pytest.mark.parametrize("metric", BLOCK_METRICS)
@pytest.mark.parametrize("rows", [330, pytest.param(1000, marks=pytest.mark.slow)])
def test_it_is_the_metric_of_the_other_rows(metric, rows):
    true, shares = sample(rows)
    blocks = block_numbers(rows)
    slow = [METRICS[metric](true[blocks != number], shares[blocks != number]) for number in range(blocks.max() + 1)]
    assert scores_without_blocks(true.astype(float), shares)[metric] == pytest.approx(slow, abs=10**-DECIMALS)


def test_a_label_that_no_other_row_has_is_left_out_of_the_mean():
    true, shares = sample(640)
    true[:, 3] = np.arange(640) == 5
    blocks = block_numbers(640)
    expected = label_set_metrics.mean_average_precision(true[blocks != 5][:, :3], shares[blocks != 5][:, :3])
    found = scores_without_blocks(true.astype(float), shares)["mean_average_precision"]
    assert found[5] == pytest.approx(expected, abs=10**-DECIMALS)


def test_shares_of_raters_count_as_they_are_in_the_likelihood():
    true, shares = sample(400)
    targets = np.where(true, 0.75, 0.25)
    blocks = block_numbers(400)
    expected = label_set_metrics.nll(targets[blocks != 0], shares[blocks != 0])
    assert scores_without_blocks(targets, shares)["nll"][0] == pytest.approx(expected, abs=10**-DECIMALS)


def test_too_few_rows_have_no_blocks():
    assert scores_without_blocks(*sample(LEAST_ROWS * 10 - 1)) == {}


@pytest.mark.parametrize("rows", [320, 999, 5427, 100_000])
def test_blocks_are_large_and_of_nearly_one_size(rows):
    sizes = np.bincount(block_numbers(rows))
    assert sizes.min() >= LEAST_ROWS
    assert np.ptp(sizes) <= 1
    assert len(sizes) <= 100


def test_scores_have_few_decimals():
    true, shares = sample(400, decimals=9)
    values = [value for scores in scores_without_blocks(true.astype(float), shares).values() for value in scores]
    assert values == [round(value, DECIMALS) for value in values]
