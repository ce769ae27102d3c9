"""Runs on texts with shares of labels, from training to prediction."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from fecbench.data.datasets.rows import targets_of
from fecbench.runs.predictions import read_predictions
from fecbench.runs.predictor import data_of
from fecbench.training import distribution_metrics, label_set_metrics
from fecbench.training.standard_metrics import OF_SHARES
from tests.support.shares import MULTI, SINGLE, registered
from tests.support.train import train

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def data_sets():
    with registered("datasets", shares_single=SINGLE, shares_multi=MULTI):
        yield


@pytest.fixture(scope="module", params=["single", "multi"])
def record(request, tmp_path_factory):
    return train("ce", f"shares-{request.param}", tmp_path_factory.mktemp("runs") / request.param, epochs=2)


def labelling(record):
    return record.run_file.dataset.labelling


def test_the_record_says_that_labels_are_shares(record):
    assert record.run_file.dataset.soft
    assert record.about["format"] == {"single": 1, "multi": 2}[labelling(record)]


def test_soft_metrics_are_those_of_the_logits(record):
    targets = targets_of(data_of(record).splits["test"], 12).astype(float)
    logits = torch.from_numpy(read_predictions(record)["logits"]).double()
    single = labelling(record) == "single"
    p = (logits.softmax(1) if single else logits.sigmoid()).numpy()
    module = distribution_metrics if single else label_set_metrics
    scores = record.result["metrics"]["test"]
    assert OF_SHARES.keys() <= scores.keys()
    for name in ("nll", "excess_nll", "po_jsd", "entropy_correlation"):
        assert scores[name] == pytest.approx(getattr(module, name)(targets, p)), name
    for name in ("soft_micro_f1", "soft_macro_f1", "manhattan"):
        assert scores[name] == pytest.approx(getattr(label_set_metrics, name)(targets, p)), name
    assert 0 < scores["excess_nll"] < scores["nll"]


def test_labels_are_scored_by_the_majority(record):
    targets = targets_of(data_of(record).splits["test"], 12)
    arrays = read_predictions(record)
    if labelling(record) == "single":
        true = targets.argmax(1)
        assert arrays["correct"].tolist() == (arrays["logits"].argmax(1) == true).tolist()
        assert record.result["metrics"]["test"]["accuracy"] == pytest.approx(arrays["correct"].mean())
        support = np.bincount(true, minlength=12)
        assert record.result["majority"]["label"] in record.run_file.dataset.labels
    else:
        assert arrays["size"].tolist() == (targets > 0.5).sum(1).tolist()
        support = (targets > 0.5).sum(0)
    assert [row["support"] for row in record.result["per_class"].values()] == support.tolist()


def test_the_best_epoch_is_chosen_by_the_majority_too(record):
    scores = record.result["metrics"]["validation"]
    names = {"single": ("accuracy", "weighted_f1"), "multi": ("mean_average_precision", "lrap")}[labelling(record)]
    assert record.result["validation_score"] == pytest.approx(sum(scores[name] for name in names))


def test_the_record_predicts(record, fecbench):
    code, out, err = fecbench("predict", record.folder, "I could cry with joy", "--json")
    assert code == 0, err
    (answer,) = json.loads(out)["predictions"]
    assert answer["labels"]


def test_the_table_of_a_run_shows_nats_as_numbers(fecbench, tmp_path):
    brief = ("--encoder", "scratch", "--epochs", 1, "--run-dir", tmp_path / "run")
    code, out, err = fecbench("run", "ce", "--dataset", "shares-single", *brief)
    assert code == 0, err
    header, *rows = [line.split() for line in out.splitlines()[1:]]
    test = next(row for row in rows if row[0] == "test")
    value = test[header.index("nll")]
    assert 1 < float(value) < 4
