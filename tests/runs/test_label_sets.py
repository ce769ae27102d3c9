"""A run on texts with several labels, from training to prediction, and a board beside it."""

from __future__ import annotations

import json

import pytest
import torch
from click.testing import CliRunner

from fecbench.cli import cli
from fecbench.core.errors import RunError
from fecbench.data.datasets.rows import targets_of
from fecbench.results.leaderboard.assemble import board_of_records
from fecbench.results.leaderboard.statistics.label_set_outcomes import label_sets
from fecbench.runs.predictions import read_predictions, read_validation
from fecbench.runs.predictor import Predictor, data_of
from fecbench.runs.record import Record
from fecbench.training.thresholds import tuned_thresholds
from tests.support.train import train

pytestmark = pytest.mark.slow

TEXT = "They sold our house behind our backs, and I wept and shouted at them."


@pytest.fixture(scope="module")
def record(tmp_path_factory) -> Record:
    return train("ce", "demo-multi", tmp_path_factory.mktemp("runs") / "first", head="label", epochs=1)


def test_the_record_has_scores_and_thresholds(record):
    assert record.about["format"] == 2
    assert record.about["dataset"]["labelling"] == "multi"
    result = record.result
    assert {"macro_f1", "macro_f1_at_0.5", "jaccard", "nll", "lrap"} <= result["metrics"]["test"].keys()
    assert list(result["thresholds"]) == record.run_file.dataset.labels
    assert "confusion_matrix" not in result
    scores = result["metrics"]["validation"]
    assert result["validation_score"] == pytest.approx(scores["mean_average_precision"] + scores["lrap"])


def test_predictions_agree_with_the_scores(record):
    arrays = read_predictions(record)
    shares = torch.from_numpy(arrays["logits"]).double().sigmoid()
    thresholds = torch.tensor(list(record.result["thresholds"].values()), dtype=torch.float64)
    assert (shares >= thresholds).tolist() == arrays["given"].tolist()
    micro = 2 * arrays["hits"].sum() / (arrays["given"].sum() + arrays["size"].sum())
    assert record.result["metrics"]["test"]["micro_f1"] == pytest.approx(micro)


def test_thresholds_can_be_tuned_again_from_the_record(record):
    shares = torch.from_numpy(read_validation(record)["logits"]).double().sigmoid().numpy()
    true = targets_of(data_of(record).splits["validation"], 12) > 0
    tuned = tuned_thresholds(true, shares, "per-class")
    assert tuned.tolist() == list(record.result["thresholds"].values())


def test_the_record_predicts_with_its_thresholds(record):
    predictor = Predictor.load(record)
    assert list(predictor.thresholds) == list(record.result["thresholds"].values())
    result = CliRunner().invoke(cli, ["predict", str(record.folder), TEXT, "--json"], catch_exceptions=False)
    (answer,) = json.loads(result.stdout)["predictions"]
    assert {label["label"] for label in answer["labels"]} == set(predictor.labels)
    for label in answer["labels"]:
        assert label["given"] == (label["probability"] >= label["threshold"])


def test_labels_below_their_threshold_stand_in_brackets(record):
    result = CliRunner().invoke(cli, ["predict", str(record.folder), TEXT, "--top", "12"], catch_exceptions=False)
    *labels, text = result.stdout.rstrip("\n").split("\t")
    assert (len(labels), text) == (12, TEXT)
    shares = Predictor.load(record).probabilities([TEXT])[0]
    given = int((shares >= torch.tensor(Predictor.load(record).thresholds)).sum())
    assert [label.startswith("(") for label in labels] == [False] * given + [True] * (12 - given)


def test_a_board_shows_it_in_a_table_of_its_own(record):
    (table,) = board_of_records([record]).tables
    assert table.labelling == "multi"
    assert table.rows[0].cells[0].scores["nll"].mean == record.result["metrics"]["test"]["nll"]
    assert label_sets(table.rows[0].cells[0].runs[0]).given.sum() == read_predictions(record)["given"].sum()


def test_a_damaged_record_is_still_seen(record, tmp_path):
    about = json.loads((record.folder / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps({**about, "format": 3}))
    with pytest.raises(RunError, match="must have format 1 or 2, found 3"):
        _ = Record(tmp_path).run_file
