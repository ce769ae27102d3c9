"""Results on texts with several labels: thresholds come from validation rows, and no missed label is revealed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from fecbench import TokenColumn
from fecbench.data.batches import LabelSetSplit
from fecbench.runs.label_set_results import LabelSetResults
from fecbench.training.metrics import all_metrics
from fecbench.training.scoring import scores_of, selection_score
from fecbench.training.threshold_rule import ThresholdRule
from fecbench.training.thresholds import tuned_thresholds

LABELS = ("a", "b", "c")
RULE = ThresholdRule()
GENERATOR = np.random.default_rng(0)
TARGETS = (GENERATOR.random((40, 3)) < 0.4).astype(np.float32)


def split(targets):
    return LabelSetSplit({"text": TokenColumn(np.arange(len(targets)), np.arange(len(targets) + 1))}, targets=targets)


def results(test=TARGETS, scored=("validation", "test"), rule=RULE):
    logits = torch.from_numpy(GENERATOR.normal(size=(40, 3)) + 2 * TARGETS - 1).float()
    splits = {"validation": split(TARGETS[:20]), "test": split(test[20:])}
    return LabelSetResults(LABELS, splits, {"validation": logits[:20], "test": logits[20:]}, scored, rule)


def scores(found, name="test"):
    return scores_of(found.rows(name), all_metrics(LABELS, "multi")[0])


def test_thresholds_are_tuned_on_validation_rows():
    found = results()
    shares = found.logits["validation"].double().sigmoid().numpy()
    assert found.thresholds.tolist() == tuned_thresholds(TARGETS[:20] > 0, shares, "per-class").tolist()


def test_thresholds_dont_depend_on_test_rows():
    found = results()
    other = LabelSetResults(
        LABELS,
        {**found.splits, "test": split(1 - TARGETS[20:])},
        {**found.logits, "test": -found.logits["test"]},
        found.scored,
    )
    assert other.thresholds.tolist() == found.thresholds.tolist()
    assert other.by_class()["thresholds"] == found.by_class()["thresholds"]


def test_without_validation_scores_thresholds_are_a_half():
    found = results(scored=("test",))
    assert found.thresholds.tolist() == [0.5] * 3


@pytest.mark.parametrize(
    ("rule", "options"),
    [
        (ThresholdRule("global"), {"rule": "global"}),
        (ThresholdRule("fixed", 0.3), {"rule": "fixed", "threshold": 0.3}),
        (ThresholdRule(shrink=5), {"rule": "per-class", "shrink": 5}),
    ],
)
def test_thresholds_follow_the_runs_settings(rule, options):
    found = results(rule=rule)
    shares = found.logits["validation"].double().sigmoid().numpy()
    assert found.thresholds.tolist() == tuned_thresholds(TARGETS[:20] > 0, shares, **options).tolist()


def test_without_validation_scores_the_fixed_threshold_of_the_settings_counts():
    assert results(scored=("test",), rule=ThresholdRule("fixed", 0.3)).thresholds.tolist() == [0.3] * 3


def test_every_text_is_given_a_label_if_the_settings_say_so():
    without = results(rule=ThresholdRule("fixed", 0.99))
    found = replace(without, rule=ThresholdRule("fixed", 0.99, at_least_one=True))
    lacking = ~without.given.any(1)
    assert lacking.any()
    assert found.given.any(1).all()
    assert (found.given[lacking].sum(1) == 1).all()
    best = found.logits["test"].argmax(1).numpy()
    assert found.given[lacking, best[lacking]].all()
    assert scores(found)["without_label"] == 0
    assert scores(without)["without_label"] == lacking.mean()


def test_macro_f1_at_fixed_thresholds_stands_beside():
    values = scores(results())
    assert {"macro_f1", "macro_f1_at_0.5", "macro_f1_at_0.3", "nll", "lrap", "without_label"} <= values.keys()
    assert selection_score(values, "multi") == values["mean_average_precision"] + values["lrap"]


def test_every_score_by_label_follows_from_the_predictions_file():
    found = results()
    arrays = {name: tensor.numpy() for name, tensor in found.predictions().items()}
    table = found.by_class()["per_class"]
    support = np.array([table[label]["support"] for label in LABELS])
    f1 = 2 * arrays["hits"].sum(0) / (arrays["given"].sum(0) + support)
    assert [table[label]["f1"] for label in LABELS] == pytest.approx(f1.tolist())
    union = arrays["given"].sum(1) + arrays["size"] - arrays["hits"].sum(1)
    jaccard = np.where(union == 0, 1, arrays["hits"].sum(1) / np.maximum(union, 1)).mean()
    assert scores(found)["jaccard"] == pytest.approx(jaccard)


def test_predictions_dont_reveal_labels_that_were_missed():
    arrays = results().predictions()
    assert set(arrays) == {"row", "logits", "given", "hits", "size"}
    assert not (arrays["hits"] & ~arrays["given"]).any()


def test_a_test_split_without_labels_has_predictions_alone():
    found = results(scored=("validation",))
    assert set(found.predictions()) == {"row", "logits", "given"}
    assert set(found.by_class()) == {"thresholds"}
