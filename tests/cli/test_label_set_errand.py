"""The errand of a user of GoEmotions: train, see thresholds, predict, export, and load the model with transformers."""

import json
import os
from pathlib import Path

import pytest

from fecbench.runs.predictor import data_of
from fecbench.runs.record import Record

REAL = os.environ.get("FECBENCH_TEST_DATA")
RUN = ("--encoder", "scratch", "--head", "native", "--pooling", "first", "--lr", 3e-3, "--device", "cpu")
CLOSE = 1e-5  # a probability this near its threshold can fall either way in another program

DATASETS = [
    pytest.param("demo-multi", ("--epochs", 10), (), id="demo-multi"),
    pytest.param(
        "ge-multi",
        ("--epochs", 2, "--limit", 3000),
        ("--data-dir", REAL),
        id="ge-multi",
        marks=pytest.mark.skipif(not REAL, reason="FECBENCH_TEST_DATA names no folder with the real files"),
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize(("dataset", "flags", "places"), DATASETS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of transformers' own pipelines
def test_the_exported_model_gives_the_labels_that_the_run_gives(fecbench, here, dataset, flags, places):
    from transformers import pipeline

    def call(*arguments):
        code, out, err = fecbench(*arguments)
        assert code == 0, err
        return out

    call("run", "ce", "--dataset", dataset, "--run-dir", "run", *RUN, *flags, *places)
    record = Record(Path("run"))
    thresholds = record.result["thresholds"]

    (study,) = json.loads(call("thresholds", "run", "--json", "--resamples", 100, *places))
    (own,) = [rule for rule in study["rules"] if rule["own"]]
    assert own["by_label"] == thresholds  # tuned again, on validation rows
    assert own["test"]["macro_f1"]["value"] == pytest.approx(record.result["metrics"]["test"]["macro_f1"])

    data = data_of(record, Path(REAL) if places else None)
    texts = data.splits["test"]["text"][:30]
    answers = json.loads(call("predict", "run", "--json", "--device", "cpu", "--", *texts))["predictions"]
    predicted = [{label["label"]: label for label in row["labels"]} for row in answers]
    assert [set(labels) for labels in predicted] == [set(data.labels)] * len(texts)
    given = sum(label["given"] for labels in predicted for label in labels.values())
    assert 0 < given < len(texts) * len(data.labels)

    assert "thresholds.json" in call("export", "run", "model")
    classify = pipeline("text-classification", model="model", truncation=True, top_k=None, device="cpu")
    assert classify.model.config.thresholds == thresholds
    for labels, found in zip(predicted, classify(texts), strict=True):
        for answer in found:
            label, threshold = labels[answer["label"]], thresholds[answer["label"]]
            assert answer["score"] == pytest.approx(label["probability"], abs=CLOSE)
            if abs(answer["score"] - threshold) > CLOSE:
                assert (answer["score"] >= threshold) == label["given"]
