"""``--predictions FILE`` for texts with several labels: a column of 0 and 1 for each label, or a list of labels."""

import csv
import json

import pytest
import torch

from fecbench.core.errors import RunError
from fecbench.data.datasets.locations import DataLocations
from fecbench.data.datasets.rows import split_from_columns
from fecbench.runs.experiment import RunContext, run
from fecbench.runs.plan import plan
from fecbench.runs.prediction_tables import LabelSetTable, write_table
from fecbench.runs.predictions import read_predictions
from tests.support.train import train
from tests.support.unlabelled import UNLABELLED

LABELS = ("joy, or so", "love", "fear")
LOGITS = torch.tensor([[0.0, 2.0, -2.0], [-3.0, -2.0, -4.0], [-torch.inf] * 3])
GIVEN = torch.tensor([[True, True, False], [False] * 3, [False] * 3])
ROWS = split_from_columns({"text": ["a", "b", "c"], "id": ["x", "y", "z"]})
TABLE = LabelSetTable(LABELS, LOGITS, ROWS, GIVEN)
SHARES = [[0.5, 0.880797, 0.119203], [0.047426, 0.119203, 0.017986], [0.0, 0.0, 0.0]]


def test_csv_has_a_column_of_0_and_1_for_each_label(tmp_path):
    write_table(tmp_path / "p.csv", TABLE)
    with (tmp_path / "p.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["id", *(f"label_{label}" for label in LABELS), *(f"probability_{label}" for label in LABELS)]
    assert [row[:4] for row in rows] == [["x", "1", "1", "0"], ["y", "0", "0", "0"], ["z", "", "", ""]]
    assert [[float(share) for share in row[4:]] for row in rows] == SHARES


def test_json_lines_have_a_list_of_labels_and_null_for_no_answer(tmp_path):
    write_table(tmp_path / "p.jsonl", TABLE)
    rows = [json.loads(line) for line in (tmp_path / "p.jsonl").read_text().splitlines()]
    assert [row["labels"] for row in rows] == [["joy, or so", "love"], [], None]
    assert [list(row["probabilities"].values()) for row in rows] == SHARES
    assert "label" not in rows[0]


def test_rows_beyond_a_chunk_keep_their_answers(monkeypatch):
    monkeypatch.setattr("fecbench.runs.prediction_tables.CHUNK", 2)
    assert [(name, answer) for name, answer, _ in TABLE.lines()] == [
        ("x", ("joy, or so", "love")),
        ("y", ()),
        ("z", None),
    ]


@pytest.fixture
def carried_out(tmp_path):
    def carry_out(name: str, resume: bool = False):
        context = RunContext(DataLocations(), tmp_path / "run", resume, predictions=tmp_path / name)
        return run(plan("tfidf", {"dataset": "demo-multi"}), context)

    return carry_out


@pytest.mark.slow
def test_a_run_writes_the_labels_that_its_record_gives(carried_out, tmp_path):
    record = carried_out("p.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "p.jsonl").read_text().splitlines()]
    labels, given = record.run_file.dataset.labels, read_predictions(record)["given"]
    assert [row["id"] for row in rows] == list(range(90))
    assert [row["labels"] for row in rows] == [
        [label for label, is_given in zip(labels, row, strict=True) if is_given] for row in given.tolist()
    ]
    thresholds = record.result["thresholds"]
    for row in rows:
        over = [label for label, share in row["probabilities"].items() if share >= thresholds[label]]
        assert row["labels"] == over


@pytest.mark.slow
def test_a_lost_table_is_written_again_and_another_file_refused(carried_out, tmp_path):
    carried_out("p.csv")
    text = (tmp_path / "p.csv").read_text()
    (tmp_path / "p.csv").unlink()
    carried_out("p.csv", resume=True)
    assert (tmp_path / "p.csv").read_text() == text
    (tmp_path / "p.csv").write_text(text + "\n")
    with pytest.raises(RunError, match="exists"):
        carried_out("p.csv", resume=True)


@pytest.mark.slow
def test_a_test_split_without_labels_has_a_table_in_the_runs_folder(install, tmp_path, monkeypatch):
    several = UNLABELLED.replace('"MIT", "")', '"MIT", "", labelling="multi")').replace(
        '"label": list(labels)', '"labels": [[label] for label in labels]'
    )
    install("hidden-set", "fecbench_datasets", hidden="hidden_set_of_rows:hidden", code=several)
    monkeypatch.chdir(tmp_path)
    record = train("ce", "hidden", tmp_path / "run", epochs=1)
    with (record.folder / "predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == [f"x-{n}" for n in range(5)]
    names = record.run_file.dataset.labels
    found = [[row[f"label_{name}"] == "1" for name in names] for row in rows]
    assert found == read_predictions(record)["given"].tolist()
    assert set(read_predictions(record)) == {"row", "logits", "given"}
