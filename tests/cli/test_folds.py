"""``fecbench run ... --folds K``: all folds one after the other, or one of them."""

import json

import pytest

from fecbench.runs.find import readable_records
from fecbench.runs.record import Record

pytestmark = pytest.mark.slow
FLAGS = ["--encoder", "scratch", "--epochs", 1, "--batch-size", 16, "--no-packing"]
METRIC = "micro_f1:without=glad"


@pytest.fixture
def rows(toy, here) -> str:
    """A training file alone."""
    return "./toy/train.csv"


def test_all_folds_are_run_and_continued(fecbench, rows, here):
    code, out, err = fecbench("run", "ce", "--dataset", rows, "--folds", 2, *FLAGS, "--metric", METRIC)
    assert code == 0, err
    assert "without=glad" in out
    assert "2-fold cross-validation of ce on train.csv" in out
    assert "sample standard deviation over 2 folds" in out
    records = list(readable_records(here / "runs" / "ce-train.csv-2-folds"))
    assert sorted(record.settings()["fold"] for record in records) == [0, 1]
    assert {record.run_file.settings["packing"].origin for record in records} == {"flag"}
    assert len({record.run_file.dataset.whole for record in records}) == 1
    texts = sum(record.run_file.dataset.rows.test for record in records)
    assert texts == 60
    next(record for record in records if record.settings()["fold"] == 1).folder.rename(here / "lost")
    code, out, err = fecbench("run", "ce", "--dataset", rows, "--folds", 2, *FLAGS, "--metric", METRIC, "--json")
    assert (code, "already complete: 1 run" in err) == (0, True), err
    found = json.loads(out)
    assert list(found["metrics"]["test"]["accuracy"]["seeds"]) == ["0/0", "0/1"]
    assert list(found["metrics"]["test"][METRIC]["seeds"]) == ["0/0", "0/1"]
    assert all(METRIC in record.result_file.metrics.of("test") for record in records)
    assert len(found["runs"]) == 2
    code, out, _ = fecbench("leaderboard")
    assert (code, "2 folds" in out, "2-fold cross-validation: the test rows" in out) == (0, True, True)


def test_one_fold_is_an_ordinary_run(fecbench, rows, here):
    code, out, err = fecbench("run", "ce", "--dataset", rows, "--folds", 3, "--fold", 2, *FLAGS, "--run-dir", "r")
    assert (code, [line.split()[0] for line in out.splitlines()].count("test")) == (0, 1), err
    assert "fold 2" in err
    assert Record(here / "r").settings()["fold"] == 2
    code, out, _ = fecbench("leaderboard", "r")
    assert "missing: ce, seed/fold 0/0, 0/1: not run" in out


def test_what_fits_one_run_alone_is_refused(fecbench, rows, toy, here):
    code, _, err = fecbench("run", "ce", "--dataset", rows, "--folds", 3, *FLAGS, "--predictions", "p.csv")
    assert (code, "--predictions needs a single run" in err) == (2, True)
    code, _, err = fecbench("run", "ce", "--dataset", "./toy", "--folds", 3, *FLAGS)
    assert (code, "--folds cuts test splits from the training rows, but this data set has a test" in err) == (1, True)
    code, _, err = fecbench("run", "ce", "--dataset", rows, "--fold", 3, "--folds", 3)
    assert (code, "--fold must name one of the folds (0 to 2), but is 3" in err) == (2, True)
    code, _, err = fecbench("run", "ce", "--dataset", rows, "--folds", 3, *FLAGS, "--metric", "micro_f1:with=sad")
    assert (code, "no option of the metric micro_f1 is called 'with'" in err) == (2, True), err
    assert fecbench("run", "ce", "--dataset", rows, "--folds", 3, "--dry-run")[0] == 0
    assert not (here / "runs").exists()


def test_a_failed_fold_is_named(fecbench, rows, here):
    code, _, err = fecbench("run", "ce", "--dataset", rows, "--folds", 2, *FLAGS, "--lr", 1e30)
    assert code == 1
    assert "0 of 2 runs complete" in err
    assert err.count("failed: ce-train.csv-s0-f") == 2
