"""Results on texts with several labels: thresholds come from validation rows, and no missed label is revealed."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fecbench import TokenColumn
from fecbench.data.batches import LabelSetSplit
from fecbench.runs.label_set_results import LabelSetResults
from fecbench.training.scoring import selection_score
from fecbench.training.thresholds import tuned_thresholds

LABELS = ("a", "b", "c")
GENERATOR = np.random.default_rng(0)
TARGETS = (GENERATOR.random((40, 3)) < 0.4).astype(np.float32)


def split(targets):
    return LabelSetSplit({"text": TokenColumn(np.arange(len(targets)), np.arange(len(targets) + 1))}, targets=targets)


def results(test=TARGETS, scored=("validation", "test")):
    logits = torch.from_numpy(GENERATOR.normal(size=(40, 3)) + 2 * TARGETS - 1).float()
    splits = {"validation": split(TARGETS[:20]), "test": split(test[20:])}
    return LabelSetResults(LABELS, splits, {"validation": logits[:20], "test": logits[20:]}, scored)


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
    assert set(found.metrics()) == {"test"}


def test_macro_f1_at_fixed_thresholds_stands_beside():
    scores = results().metrics()["test"]
    assert {"macro_f1", "macro_f1_at_0.5", "macro_f1_at_0.3", "nll", "lrap"} <= scores.keys()
    assert selection_score(scores, "multi") == scores["mean_average_precision"] + scores["lrap"]


def test_every_score_by_label_follows_from_the_predictions_file():
    found = results()
    arrays = {name: tensor.numpy() for name, tensor in found.predictions().items()}
    table = found.by_class()["per_class"]
    support = np.array([table[label]["support"] for label in LABELS])
    f1 = 2 * arrays["hits"].sum(0) / (arrays["given"].sum(0) + support)
    assert [table[label]["f1"] for label in LABELS] == pytest.approx(f1.tolist())
    union = arrays["given"].sum(1) + arrays["size"] - arrays["hits"].sum(1)
    jaccard = np.where(union == 0, 1, arrays["hits"].sum(1) / np.maximum(union, 1)).mean()
    assert found.metrics()["test"]["jaccard"] == pytest.approx(jaccard)


def test_predictions_dont_reveal_labels_that_were_missed():
    arrays = results().predictions()
    assert set(arrays) == {"row", "logits", "given", "hits", "size"}
    assert not (arrays["hits"] & ~arrays["given"]).any()


def test_a_test_split_without_labels_has_predictions_alone():
    found = results(scored=("validation",))
    assert set(found.predictions()) == {"row", "logits", "given"}
    assert set(found.by_class()) == {"thresholds"}
