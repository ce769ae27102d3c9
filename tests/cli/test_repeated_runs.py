"""``fecbench run ... --folds K`` and ``--seeds``: several runs of one command, and its file of settings."""

import json

import pytest

from fecbench.cli.seed_numbers import seed_numbers
from fecbench.core.errors import UsageError
from fecbench.runs.find import readable_records
from fecbench.runs.record import Record
from tests.support.benches import DEMO

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("runs_here")]
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


def test_a_fold_of_a_file_is_the_only_one_of_each_seed(fecbench, rows, here):
    (here / "my.toml").write_text("folds = 3\nfold = 2\n")
    code, _, err = fecbench(
        "run", "ce", "--dataset", rows, "--config", "my.toml", "--seeds", "0,1", *FLAGS, "--run-dir", "r", "--json"
    )
    assert code == 0, err
    settings = [record.settings() for record in readable_records(here / "r")]
    assert sorted((one["seed"], one["fold"]) for one in settings) == [(0, 2), (1, 2)]


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


@pytest.mark.parametrize(
    ("size", "says"), [("2", "--seeds starts a process for each run"), ("", "number of launched processes, found ''")]
)
def test_launched_seeds_are_refused(fecbench, monkeypatch, here, size, says):
    monkeypatch.setenv("WORLD_SIZE", size)
    code, _, err = fecbench("run", "ce", "--dataset", "demo", "--seeds", "0-1")
    assert code == 2
    assert says in err


def test_a_failed_fold_is_named(fecbench, rows, here):
    code, _, err = fecbench("run", "ce", "--dataset", rows, "--folds", 2, *FLAGS, "--lr", 1e30)
    assert code == 1
    assert "0 of 2 runs complete" in err
    assert err.count("failed: ce-train.csv-s0-f") == 2


def test_seeds_are_run_and_continued(fecbench, toy, here):
    code, out, err = fecbench("run", "ce", "--dataset", "./toy", "--seeds", "0-1", *FLAGS)
    assert code == 0, err
    assert "2 seeds of ce on toy" in out
    records = list(readable_records(here / "runs" / "ce-toy-2-seeds"))
    assert sorted(record.settings()["seed"] for record in records) == [0, 1]
    assert err.endswith("next: fecbench leaderboard runs/ce-toy-2-seeds\n")
    code, out, err = fecbench("run", "ce", "--dataset", "./toy", "--seeds", "0,1", *FLAGS, "--json")
    assert (code, "already complete: 2 runs" in err) == (0, True), err
    found = json.loads(out)
    assert list(found["metrics"]["test"]["accuracy"]["seeds"]) == ["0", "1"]
    assert found["seeds"] == [0, 1]


@pytest.mark.parametrize("text", ["", "a", "0-", "3-1", "0,0", "1,0-2", "-1", "0-99999999999"])
def test_lists_that_are_no_seeds_are_refused(text):
    with pytest.raises(UsageError, match=r"--seeds (must|may)"):
        seed_numbers(text)


def test_seeds_and_a_seed_are_refused_together(fecbench, toy, here):
    code, _, err = fecbench("run", "ce", "--dataset", "./toy", "--seeds", "0-1", "--seed", 3)
    assert (code, "--seeds and --seed both choose seeds" in err) == (2, True)


@pytest.mark.parametrize("command", [("run", "ce", "--dataset", "demo"), ("bench", DEMO)])
def test_seeds_are_read_before_anything_else(fecbench, here, command):
    code, _, err = fecbench(*command, "--dry-run", "--seeds", "")
    assert (code, "--seeds must be numbers" in err) == (2, True), err


def test_a_dry_run_of_seeds_shows_the_first(fecbench, here):
    code, out, err = fecbench("run", "ce", "--dataset", "demo", "--seeds", "3-5", "--dry-run")
    assert code == 0, err
    assert "ce on demo (dry run of the first of 3 seeds)" in out
    assert ["--seed", "3", "flag"] in [line.split() for line in out.splitlines()]


def test_a_file_of_settings_lies_under_the_flags(fecbench, toy, here):
    (here / "my.toml").write_text('dataset = "./toy"\nencoder = "scratch"\nepochs = 3\nbatch-size = 16\n')
    code, out, err = fecbench("run", "ce", "--config", "my.toml", "--epochs", 1, "--dry-run", "--json")
    assert code == 0, err
    settings = json.loads(out)["settings"]
    assert settings["epochs"] == {"value": 1, "origin": "flag"}
    assert settings["batch_size"]["value"] == 16
    (here / "dry.json").write_text(out)
    code, again, err = fecbench("run", "ce", "--config", "dry.json", "--dry-run", "--json")
    assert code == 0, err
    values = [{name: given["value"] for name, given in json.loads(text)["settings"].items()} for text in (out, again)]
    assert values[0] == values[1]


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("my.toml", "epochs = ", "my.toml: "),
        ("my.json", "[1]", "holds list"),
        ("my.toml", "epochz = 3", "epochz"),
        ("my.toml", "[aml]\nk_pos = 3", "aml in my.toml is a table"),
        ("my.toml", "epochs = 3\n[settings]\nlr = 0.1", "my.toml has epochs beside its table settings"),
        ("none.toml", None, "No such file"),
    ],
)
def test_a_file_that_holds_no_settings_is_named(fecbench, toy, here, name, text, reason):
    if text is not None:
        (here / name).write_text(text)
    code, _, err = fecbench("run", "ce", "--dataset", "./toy", "--config", name, "--dry-run")
    assert code == 2
    assert reason in err
