"""``--predictions FILE``: the predicted label of each test row for other programs."""

import csv
import json

import pytest

from fecbench.core.errors import RunError, UsageError
from fecbench.data.datasets.locations import DataLocations
from fecbench.runs.experiment import RunContext, run
from fecbench.runs.plan import plan
from fecbench.runs.predictions import read_predictions

TINY = {"encoder": "scratch", "epochs": 1, "batch_size": 16}


@pytest.fixture
def carried_out(toy, tmp_path):
    """Run cross-entropy with a file for its predictions: ``carried_out("p.csv")``."""

    def carry_out(name: str, folder: str = "run", resume: bool = False):
        context = RunContext(DataLocations(), tmp_path / folder, resume, predictions=tmp_path / name)
        return run(plan("ce", {"dataset": str(toy), **TINY}), context)

    return carry_out


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_rows_without_ids_are_numbered(carried_out, tmp_path, ending):
    record = carried_out(f"p.{ending}")
    with (tmp_path / f"p.{ending}").open(newline="") as file:
        rows = list(csv.DictReader(file)) if ending == "csv" else [json.loads(line) for line in file]
    assert [int(row["id"]) for row in rows] == list(range(15))
    labels = record.run_file.dataset.labels
    assert [labels.index(row["label"]) for row in rows] == read_predictions(record)["predicted"].tolist()
    shares = (
        rows[0]["probabilities"] if ending == "jsonl" else {name: rows[0][f"probability_{name}"] for name in labels}
    )
    assert list(shares) == labels
    assert sum(map(float, shares.values())) == pytest.approx(1, abs=1e-5)


def test_a_file_that_exists_is_refused_before_training(carried_out, tmp_path):
    (tmp_path / "p.csv").write_text("mine\n")
    with pytest.raises(RunError, match=r"--predictions must name a new file, but .*p\.csv exists"):
        carried_out("p.csv")
    assert (tmp_path / "p.csv").read_text() == "mine\n"
    assert not (tmp_path / "run").exists()


def test_the_runs_own_file_is_accepted_and_a_lost_one_written_again(carried_out, tmp_path):
    carried_out("p.csv")
    text = (tmp_path / "p.csv").read_text()
    carried_out("p.csv", resume=True)
    (tmp_path / "p.csv").unlink()
    carried_out("p.csv", resume=True)
    assert (tmp_path / "p.csv").read_text() == text
    (tmp_path / "p.csv").write_text(text + "\n")
    with pytest.raises(RunError, match="exists"):
        carried_out("p.csv", resume=True)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("p.txt", r"must name a \.csv or \.jsonl file"),
        ("no/where/p.csv", "in a folder that exists"),
        ("deep/run/history.jsonl", "must not name a file of the run's record"),
    ],
)
def test_other_names_are_refused(carried_out, tmp_path, name, message):
    with pytest.raises((RunError, UsageError), match=message):
        carried_out(name, folder="deep/run")
    assert not (tmp_path / "deep").exists()


def test_the_folder_of_the_run_can_hold_it(carried_out, tmp_path):
    carried_out("run/p.csv")
    assert len((tmp_path / "run" / "p.csv").read_text().splitlines()) == 16


@pytest.mark.slow
def test_the_command_writes_it(fecbench, toy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    flags = ["--encoder", "scratch", "--epochs", 1, "--predictions", "out.jsonl"]
    code, _, err = fecbench("run", "ce", "--dataset", "./toy", *flags)
    assert (code, "written: out.jsonl" in err) == (0, True), err
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 15
    code, _, err = fecbench("run", "ce", "--dataset", "./toy", "--predictions", "out.xml", "--dry-run")
    assert (code, ".csv or .jsonl" in err) == (2, True), err
