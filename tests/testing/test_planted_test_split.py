"""A test split that would give itself away: nothing but test scores may change with the labels of the test rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from safetensors.torch import load_file

from fecbench.data.datasets.builtin.demo import demo_multi
from fecbench.data.datasets.rows import split_from_columns, targets_of
from fecbench.results.thresholds import ThresholdStudy
from fecbench.runs.predictions import read_predictions
from fecbench.training.threshold_rule import ThresholdRule
from tests.support.shares import registered
from tests.support.train import train

pytestmark = pytest.mark.slow


class Planted:
    """``demo-multi`` with a test split whose texts have exactly the labels that they don't have."""

    info = replace(demo_multi.info, name="planted")
    source = staticmethod(demo_multi.source)

    def load(self, places):
        data = demo_multi.load(places)
        rows = data.splits["test"]
        missing = [np.flatnonzero(row == 0).tolist() for row in targets_of(rows, len(data.labels))]
        test = split_from_columns({"text": rows["text"][:], "labels": missing})
        return replace(data, info=self.info, splits={**data.splits, "test": test})


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """The records of two runs whose data differ in the labels of the test rows alone."""
    home = tmp_path_factory.mktemp("runs")
    with registered("datasets", planted=Planted()):
        yield tuple(train("ce", name, home / name, epochs=1, shrink=0) for name in ("demo-multi", "planted"))


def test_the_planted_labels_would_change_thresholds_that_were_tuned_on_them(pair):
    honest, planted = map(ThresholdStudy.of, pair)
    assert not (honest.test.true == planted.test.true).any()
    for thresholds in ("per-class", "global"):
        rule = ThresholdRule(thresholds)
        leaks = [rule.tuned(study.test.true, study.test.probabilities) for study in (honest, planted)]
        assert not np.allclose(*leaks, atol=0.05)


def test_thresholds_and_all_that_was_trained_are_the_same(pair):
    honest, planted = pair
    assert planted.result["thresholds"] == honest.result["thresholds"]
    assert planted.result["metrics"]["validation"] == honest.result["metrics"]["validation"]
    assert planted.result["best_epoch"] == honest.result["best_epoch"]
    weights = [load_file(record.folder / "best.safetensors") for record in pair]
    assert all(weights[0][name].equal(weights[1][name]) for name in weights[0])
    one, other = map(read_predictions, pair)
    assert np.array_equal(one["logits"], other["logits"])
    assert np.array_equal(one["given"], other["given"])
    assert not np.array_equal(one["hits"], other["hits"])


def test_every_rule_of_the_comparison_is_tuned_without_them(pair):
    honest, planted = map(ThresholdStudy.of, pair)
    for one, other in zip(honest.compare(), planted.compare(), strict=True):
        assert one.rule == other.rule
        assert one.thresholds == other.thresholds
        assert one.validation == other.validation
        assert one.scores["macro_f1"] != other.scores["macro_f1"] or one.without_label == 1
