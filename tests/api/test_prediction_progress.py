"""Predictions tell how many texts they have read."""

import pytest

from fecbench import Predictor

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("method", ["probabilities", "features"])
def test_each_text_is_counted_once(trained, method):
    counts, texts = [], [f"text {number} of some" for number in range(100)]
    getattr(Predictor.load(trained.record, "cpu"), method)(texts, counts.append)
    assert sum(counts) == len(texts)
    assert len(counts) > 1
