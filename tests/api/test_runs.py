"""Many runs as a data frame, a leaderboard and the outcome of a spec."""

import json
import shutil
from contextlib import nullcontext

import pytest

import fecbench
from fecbench import load_runs
from fecbench.core.errors import RunError, UnknownName, UsageError
from fecbench.terminal import status_line

pytestmark = pytest.mark.slow

SPEC = """
title = "Two methods"
objectives = ["ce", "supcon"]
datasets = ["demo"]
seeds = [0]
[settings]
epochs = 1
limit = 32
"""


def test_runs_make_a_frame_and_a_leaderboard(trained):
    runs = fecbench.load_runs("runs")
    frame = runs.to_frame()
    assert repr(runs) == f"<Runs: {len(runs)} complete runs>"
    assert frame["id"].tolist() == [run.id for run in runs]
    assert frame["test_macro_f1"].tolist() == [run.scores["test"]["macro_f1"] for run in runs]
    assert [row.name for row in runs.leaderboard().tables[0].rows] == ["ce"]
    metrics = [column.metric for column in runs.leaderboard("demo", metrics="parameters").tables[0].columns]
    assert metrics[-1] == "parameters"
    assert "<th>Rank</th>" in runs.leaderboard()._repr_html_()


def test_a_board_is_text_in_every_format(trained, fecbench):
    board = load_runs("runs").leaderboard()
    assert repr(board) == "<Board 'Leaderboard': ce>"
    assert str(board) == board.render("markdown")
    for form in ("markdown", "latex", "csv", "html"):
        code, out, err = fecbench("leaderboard", "--format", form)
        assert (code, board.render(form)) == (0, out), err
    paper = board.render("latex", metrics=["macro_f1"], caption="Ours & theirs", label="tab:ours")
    assert "Accuracy" not in paper
    assert r"\caption{Ours \& theirs" in paper
    assert r"\label{tab:ours}" in paper
    with pytest.raises(UnknownName, match="latexx"):
        board.render("latexx")


def test_a_spec_is_carried_out_once(folder, runs_here, tmp_path):
    spec = tmp_path / "two.toml"
    spec.write_text(SPEC)
    runs = fecbench.run_spec(spec, progress=False)
    assert sorted(run.objective for run in runs) == ["ce", "supcon"]
    assert [run.folder.parent.name for run in runs] == ["two", "two"]
    again = fecbench.run_spec(spec, progress=False)
    assert {run.id for run in again} == {run.id for run in runs}
    assert runs.leaderboard().title == "Two methods"
    metrics = [column.metric for column in runs.leaderboard(metrics=["seconds"]).tables[0].columns]
    assert metrics[-1] == "seconds"


def test_a_spec_is_tried_on_other_data_with_other_seeds(folder, runs_here, tmp_path):
    spec = tmp_path / "part.toml"
    spec.write_text(SPEC)
    runs = fecbench.run_spec(spec, datasets="demo-multi", seeds=range(3, 4), limit=24, progress=False)
    assert {(run.dataset, run.settings["seed"], run.settings["limit"]) for run in runs} == {("demo-multi", 3, 24)}
    assert [row.name for row in runs.leaderboard().tables[0].rows] == ["ce", "supcon"]


def test_folders_without_runs_are_named(tmp_path):
    with pytest.raises(RunError, match="a complete run is needed"):
        fecbench.load_runs(tmp_path)
    with pytest.raises(UsageError, match="no such folder"):
        fecbench.load_runs(tmp_path / "nothing")
    with pytest.raises(UsageError, match=r"must be a string or a Path, but .* is a list; give each path by itself"):
        fecbench.load_runs([tmp_path])


def test_a_leaderboard_says_what_it_reads(trained, monkeypatch):
    said = []
    monkeypatch.setattr(status_line, "status_line", lambda: nullcontext(said.append))
    fecbench.load_runs("runs").leaderboard()
    assert said[0].startswith("reading record 1: ")


@pytest.mark.parametrize("workers", [0, "2", None])
def test_a_spec_needs_a_worker(folder, tmp_path, workers):
    spec = tmp_path / "two.toml"
    spec.write_text(SPEC)
    with pytest.raises(UsageError, match=f"workers must be an integer, at least 1, but is {workers!r}"):
        fecbench.run_spec(spec, workers=workers, progress=False)


@pytest.mark.parametrize("run", [None, 5])
def test_a_run_is_named_by_text_or_a_path(run):
    with pytest.raises(UsageError, match=f"a run must be a folder, an id, .* but is {run}"):
        fecbench.load(run)


def test_a_broken_record_keeps_no_other_run_from_being_loaded(trained, tmp_path):
    for name in ("whole", "edited"):
        shutil.copytree(trained.folder, tmp_path / name)
    path = tmp_path / "edited" / "result.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"best_epoch": 9}))
    with pytest.warns(UserWarning, match="left out because their records are broken: edited"):
        runs = fecbench.load_runs(tmp_path)
    assert [run.id for run in runs] == ["whole"]
    assert len(runs.to_frame()) == 1
