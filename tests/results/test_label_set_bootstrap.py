"""Resampled scores are those of the metrics on the drawn texts, and the interval covers what it says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fecbench.results.label_set_bootstrap import interval, resampled_scores, scores_by_weights
from fecbench.training import label_set_metrics as metrics


def drawn(rows, classes, seed):
    random = np.random.default_rng(seed)
    true = random.random((rows, classes)) < 0.3
    return true, true ^ (random.random((rows, classes)) < 0.2)


@given(st.integers(1, 20), st.integers(2, 5), st.integers(0, 9999))
@settings(deadline=None, max_examples=60)
def test_weights_count_a_text_as_often_as_it_is_drawn(rows, classes, seed):
    true, labels = drawn(rows, classes, seed)
    chosen = np.random.default_rng(seed).integers(rows, size=rows)
    weights = np.bincount(chosen, minlength=rows)[None].astype(np.float32)
    for name, (value,) in scores_by_weights(true, labels, weights).items():
        assert value == pytest.approx(getattr(metrics, name)(true[chosen], labels[chosen])), name


def test_equal_seeds_draw_equal_texts():
    true, labels = drawn(50, 3, 0)
    one, other = (resampled_scores(true, labels, 300, seed=1) for _ in range(2))
    assert one["macro_f1"].shape == (300,)
    assert all(np.array_equal(one[name], other[name]) for name in one)
    assert not np.array_equal(one["macro_f1"], resampled_scores(true, labels, 300, seed=2)["macro_f1"])


def test_the_spread_is_the_sampling_error_of_the_mean():
    true, labels = drawn(400, 4, 0)
    values = resampled_scores(true, labels, 1000)["jaccard"]
    union = (true | labels).sum(1)
    each = np.where(union, (true & labels).sum(1) / np.maximum(union, 1), 1)
    assert values.mean() == pytest.approx(each.mean(), abs=4 * each.std() / 20 / np.sqrt(1000))
    assert values.std() == pytest.approx(each.std() / np.sqrt(400), rel=0.1)
    low, high = interval(values)
    assert high - low == pytest.approx(2 * 1.96 * each.std() / 20, rel=0.1)
