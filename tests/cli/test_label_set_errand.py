"""The errand of a user of GoEmotions: train on texts with several labels, predict, export, load with transformers."""

import json
import os
from pathlib import Path

import pytest

from fecbench.data.datasets.rows import targets_of
from fecbench.runs.predictions import read_validation
from fecbench.runs.predictor import data_of
from fecbench.runs.record import Record
from fecbench.training.thresholds import tuned_thresholds

REAL = os.environ.get("FECBENCH_TEST_DATA")
RUN = ("--encoder", "scratch", "--head", "native", "--pooling", "first", "--run-dir", "run", "--device", "cpu")
CLOSE = 1e-5  # a probability this near its threshold can fall either way in another program

DATASETS = [
    pytest.param(("demo-multi", "--epochs", 10, "--lr", 3e-3), id="demo-multi"),
    pytest.param(
        ("ge-multi", "--epochs", 2, "--limit", 3000, "--lr", 3e-3, "--data-dir", REAL),
        id="ge-multi",
        marks=pytest.mark.skipif(not REAL, reason="FECBENCH_TEST_DATA names no folder with the real files"),
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of transformers' own pipelines
def test_the_exported_model_gives_the_labels_that_the_run_gives(fecbench, here, dataset):
    import torch
    from transformers import pipeline

    code, _, err = fecbench("run", "ce", "--dataset", *dataset, *RUN)
    assert code == 0, err
    record = Record(Path("run"))
    data = data_of(record, Path(REAL) if REAL else None)

    thresholds = record.result["thresholds"]
    true = targets_of(data.splits["validation"], len(data.labels)) > 0
    shares = torch.from_numpy(read_validation(record)["logits"]).double().sigmoid().numpy()
    shrink = record.settings().get("shrink", 20.0)
    assert list(thresholds.values()) == tuned_thresholds(true, shares, "per-class", shrink=shrink).tolist()

    texts = data.splits["test"]["text"][:30]
    code, out, err = fecbench("predict", "run", "--json", "--device", "cpu", "--", *texts)
    assert code == 0, err
    predicted = [{label["label"]: label for label in row["labels"]} for row in json.loads(out)["predictions"]]
    assert [set(labels) for labels in predicted] == [set(data.labels)] * len(texts)
    given = [[label["given"] for label in labels.values()] for labels in predicted]
    assert 0 < sum(map(sum, given)) < len(texts) * len(data.labels)

    code, out, err = fecbench("export", "run", "model")
    assert code == 0, err
    assert "thresholds.json" in out
    classify = pipeline("text-classification", model="model", truncation=True, top_k=None, device="cpu")
    assert classify.model.config.thresholds == thresholds
    for labels, found in zip(predicted, classify(texts), strict=True):
        for answer in found:
            label, threshold = labels[answer["label"]], thresholds[answer["label"]]
            assert answer["score"] == pytest.approx(label["probability"], abs=CLOSE)
            if abs(answer["score"] - threshold) > CLOSE:
                assert (answer["score"] >= threshold) == label["given"]
