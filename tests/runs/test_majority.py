"""The most frequent class and the scores of always predicting it."""

import json

import numpy as np
import pytest

from fecbench.core.errors import RunError
from fecbench.runs.majority import constant_scores, majority_of_test, majority_scores
from fecbench.training import metrics
from tests.support.toy_data import LABELS
from tests.support.train import train


@pytest.mark.parametrize("counts", [[6, 2], [1, 0, 3], [5, 5, 5], [0, 4, 0, 1]])
def test_the_scores_are_those_of_the_metrics(counts):
    true = np.repeat(np.arange(len(counts)), counts)
    for label in range(len(counts)):
        predicted = np.full(len(true), label)
        expected = metrics.score(true, predicted, len(counts), metrics.all_metrics()[0])
        assert constant_scores(counts, label) == pytest.approx({name: expected[name] for name in metrics.PRIMARY})


def test_the_class_is_the_most_frequent_of_the_rows_trained_on():
    found = majority_scores(("a", "b"), np.array([1, 1, 0]), {"validation": np.array([0, 0]), "test": np.array([0, 1])})
    assert found == {
        "label": "b",
        "scores": {"validation": constant_scores([2, 0], 1), "test": constant_scores([1, 1], 1)},
    }
    assert found["scores"]["validation"]["accuracy"] == 0


def test_older_records_give_the_most_frequent_test_class():
    found = majority_of_test({"a": 1, "b": 3})
    assert (found.label, found.scores["test"]["accuracy"]) == ("b", 0.75)


def test_a_run_records_and_prints_it(fecbench, toy, tmp_path):
    folder = train("ce", toy, tmp_path / "run", epochs=1).folder
    found = json.loads((folder / "result.json").read_text())
    assert found["majority"]["label"] == LABELS[0]
    assert found["majority"]["scores"]["test"] == pytest.approx(
        {"accuracy": 1 / 3, "weighted_f1": 1 / 6, "macro_f1": 1 / 6}
    )
    assert list(found["majority"]["scores"]) == ["validation", "test"]
    code, out, err = fecbench(
        "run", "ce", "--dataset", toy, "--encoder", "tiny-bert", "--epochs", 1, "--device", "cpu", "--limit", 2,
        "--run-dir", tmp_path / "again",
    )  # fmt: skip
    assert code == 0, err
    lines = [line for line in out.splitlines() if "most frequent class" in line]
    assert [line.split(",")[0] for line in lines[:2]] == ["validation", "test"]
    assert all("33.33" in line for line in lines[:2])
    assert f"most frequent class: {LABELS[0]} of the training rows" in lines[2]


def test_a_record_with_impossible_scores_is_refused(toy, tmp_path):
    record = train("ce", toy, tmp_path / "run", epochs=1)
    path = record.folder / "result.json"
    found = json.loads(path.read_text())
    found["majority"]["scores"]["test"]["accuracy"] = 1.5
    path.write_text(json.dumps(found))
    record.reload()
    with pytest.raises(RunError, match=r"majority\.scores\.test\.accuracy"):
        record.result_file  # noqa: B018
