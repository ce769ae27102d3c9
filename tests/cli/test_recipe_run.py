"""From a cloned repository to a trained model with one command, and how recipes are listed."""

import json

import pytest

from tests.support.shapes import SHAPES


@pytest.mark.slow
def test_a_clone_is_trained_on_with_one_command(fecbench, tmp_path, monkeypatch):
    monkeypatch.setattr("fecbench.data.datasets.checks.check_counts", lambda data, *_: data)
    SHAPES["MELD"].write(tmp_path / "MELD")
    code, out, err = fecbench(
        "run", "ce", "--dataset", "meld", "--data-dir", tmp_path / "MELD", "--encoder", "tiny-bert", "--epochs", 1,
        "--device", "cpu", "--run-dir", tmp_path / "run",
    )  # fmt: skip
    assert code == 0, out + err
    recorded = json.loads((tmp_path / "run" / "run.json").read_text())["dataset"]
    assert (recorded["name"], recorded["licence"], recorded["metric"]) == ("meld", "GPL-3.0", "weighted_f1")
    assert fecbench("predict", tmp_path / "run", "We were on a break!")[0] == 0


def test_recipes_are_listed_with_what_a_reader_needs(fecbench, here):
    rows = {row["name"]: row for row in json.loads(fecbench("data", "--json")[1])}
    meld, banking = rows["meld"], rows["banking77"]
    assert (meld["recipe"], meld["labels"], meld["rows"]) == (True, 7, [9989, 1109, 2610])
    assert (meld["language"], meld["metric"], meld["licence"]) == ("English", "weighted_f1", "GPL-3.0")
    assert meld["download"] == "git clone https://github.com/declare-lab/MELD"
    assert meld["files"][0] == "data/MELD/train_sent_emo.csv"
    assert meld["source"].startswith("not found: meld isn't in")
    assert banking["rows"] == [10003, None, 3080]
    assert not rows["demo"]["recipe"]
    shown = fecbench("data")[1]
    assert "10,003 / cut / 3,080 rows; 77 labels; English; licence: CC BY 4.0; metric of the field: accuracy" in shown
    assert "git clone https://github.com/declare-lab/MELD" in shown
    assert "isn't in" not in shown.partition("Recipes read")[2]
    SHAPES["MELD"].write(here / "not found" / "MELD")
    assert "found in not found/MELD (--data-dir)" in fecbench("data", "--data-dir", "not found")[1]


def test_the_doctor_shows_recipes_whose_files_are_here(fecbench, tmp_path):
    SHAPES["MELD"].write(tmp_path / "MELD")
    found = json.loads(fecbench("doctor", "--data-dir", tmp_path, "--json")[1])
    assert found["--dataset meld"]["works"] is True
    assert "--dataset trec" not in found
