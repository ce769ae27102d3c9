"""A test split without labels: the run trains, chooses by validation and predicts; what comes after copes."""

import csv
import json
from types import SimpleNamespace

import pytest

from fecbench.core.errors import DataError, UsageError
from fecbench.core.hooks import hookimpl
from fecbench.data.datasets.load import load_registered
from fecbench.data.datasets.locations import DataLocations
from fecbench.model.encoders.network import encoder_network
from fecbench.results.export.eval_entries import eval_target
from fecbench.results.export.export import export
from fecbench.runs.observers import Trackers
from fecbench.runs.predictions import read_predictions
from fecbench.runs.predictor import Predictor
from fecbench.runs.record import Record
from fecbench.testing import DatasetConformance
from tests.support.train import train
from tests.support.unlabelled import UNLABELLED

IDS = [f"x-{n}" for n in range(5)]


@pytest.fixture
def hidden(install):
    """The data set's name."""
    install("hidden-set", "fecbench_datasets", hidden="hidden_set_of_rows:hidden", code=UNLABELLED)
    return "hidden"


@pytest.fixture
def record(hidden, tmp_path, monkeypatch) -> Record:
    monkeypatch.chdir(tmp_path)
    return train("ce", hidden, tmp_path / "runs" / "first")


def test_it_trains_chooses_by_validation_and_has_no_test_score(record):
    assert record.status == "complete"
    assert set(record.result["metrics"]) == {"validation"}
    assert record.result["best_epoch"] >= 1
    assert not {"per_class", "confusion_matrix"} & record.result.keys()
    assert record.about["dataset"]["rows"] == {"train": 30, "validation": 6, "test": 5}
    assert any(note.startswith("the test split has no labels") for note in record.about["notes"])


def test_its_predictions_are_in_the_runs_folder_with_ids(record):
    with (record.folder / "predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == IDS
    names = record.run_file.dataset.labels
    expected = Predictor.load(record).probabilities(load_registered("hidden", DataLocations()).unlabelled["text"][:])
    for row, shares in zip(rows, expected.tolist(), strict=True):
        found = [float(row[f"probability_{name}"]) for name in names]
        assert found == pytest.approx(shares, abs=2e-6)
        assert row["label"] == names[max(range(3), key=found.__getitem__)]
    assert set(read_predictions(record)) == {"row", "predicted", "logits"}


def test_a_resumed_run_ends_as_an_unbroken_one(hidden, record, tmp_path):
    class Stop:
        """Stops the run after its first epoch."""

        @hookimpl
        def evaluated(self, epoch):
            if epoch == 1:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train("ce", hidden, tmp_path / "broken", observers=[Stop()])
    resumed = train("ce", hidden, tmp_path / "broken", resume=True)
    assert resumed.result["metrics"] == record.result["metrics"]
    assert (resumed.folder / "predictions.csv").read_text() == (record.folder / "predictions.csv").read_text()


@pytest.mark.slow
def test_commands_cope_with_a_run_without_test_scores(record, fecbench, tmp_path):
    code, out, _ = fecbench("runs", "--json")
    (row,) = json.loads(out)
    assert (code, row["status"], row["accuracy"]) == (0, "complete", None)
    code, out, err = fecbench("leaderboard")
    assert (code, "no test scores, because the test split has no labels: first" in out) == (0, True), err
    assert fecbench("predict", "first", "a lovely day")[0] == 0
    for command in (["cases", "first", "first"], ["plot", "embeddings", "first"]):
        code, _, err = fecbench(*command)
        assert (code, "the test split of hidden must have labels for this, but has none" in err) == (1, True), err
        assert "Traceback" not in err
    assert fecbench("cases", "first", "first", "--split", "validation")[0] == 0
    assert fecbench("plot", "dynamics", "first")[0] == 0
    code, _, err = fecbench("plot", "sensitivity")
    assert (code, "needs test scores, but no run of ce has any" in err) == (1, True)
    code, _, err = fecbench("leaderboard", "--publish", "board")
    assert code == 0, err


@pytest.mark.slow
def test_the_command_says_that_there_is_no_score_and_where_the_predictions_are(hidden, fecbench, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    flags = ["--encoder", "scratch", "--epochs", 1, "--run-dir", "runs/r"]
    code, out, err = fecbench("run", "ce", "--dataset", hidden, *flags)
    assert code == 0, err
    assert [line.split()[0] for line in out.splitlines()[-4:-2]] == ["split", "validation"]
    assert "no test scores: the test split has no labels; its predictions: runs/r/predictions.csv" in err
    assert json.loads(fecbench("run", "ce", "--dataset", hidden, *flags, "--resume", "--json")[1])[
        "metrics"
    ].keys() == {"validation"}


@pytest.mark.slow
def test_an_export_says_so(hidden, tmp_path, source, tokenizer):
    encoder_network(source("bert")).save_pretrained(tmp_path / "bert")
    tokenizer.save_pretrained(tmp_path / "bert")
    made = train("ce", hidden, tmp_path / "run", encoder=str(tmp_path / "bert"), head="native", pooling="first")
    export(made, tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text()
    assert "| | validation |\n| --- | ---: |\n| accuracy |" in card
    assert "The test split has no labels, so that there are no test scores.\n\n## Limits" in card
    assert "no labels" in eval_target(made, None).note
    with pytest.raises(UsageError, match="--eval-dataset needs test scores"):
        eval_target(made, "me/emotions")


def test_a_split_without_labels_is_named(hidden):
    data = load_registered(hidden, DataLocations())
    with pytest.raises(DataError, match="choose --split validation"):
        data.labelled("test")
    assert len(data.labelled("train")) == 30
    assert len(data.test_rows) == 5


def test_trackers_get_no_test_scores(hidden, tmp_path):
    logged = []
    accelerator = SimpleNamespace(log=lambda scores, step: logged.append((scores, step)), trackers=[])
    run = SimpleNamespace(steps_per_epoch=2)
    Trackers(accelerator).run_finished(run, {"metrics": {"validation": {"accuracy": 1.0}}, "epochs": 3})
    assert logged == [({}, 6)]


@pytest.mark.slow
def test_the_conformance_kit_accepts_such_a_data_set(hidden):
    class TestHidden(DatasetConformance):
        """The kit's checks of the set."""

        name = "hidden"

    TestHidden().test_its_rows_load()
