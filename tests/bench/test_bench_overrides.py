"""``fecbench bench SPEC --dataset --seeds --limit`` tries a part of a spec, or a spec on other data."""

import json

import pytest

from fecbench import run_spec
from fecbench.core.errors import UsageError
from fecbench.runs.find import readable_records
from fecbench.training.devices import SIZES
from tests.support.benches import tiny, write

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("runs_here")]


def test_a_dry_run_plans_what_is_given(fecbench, toy, tmp_path):
    spec, asked = write(tmp_path, tiny(toy, seeds="[0, 1]")), ["--root", tmp_path / "root", "--dry-run", "--json"]
    code, out, err = fecbench("bench", spec, *asked, "--dataset", "demo", "--seeds", "0-2")
    assert code == 0, err
    assert [(row["dataset"], row["waiting"]) for row in json.loads(out)] == [("demo", 3)]
    code, _, err = fecbench("bench", spec, *asked, "--seeds", "2-1")
    assert (code, "--seeds must name each seed once" in err) == (2, True)


@pytest.mark.parametrize("name", SIZES)
def test_a_launched_bench_is_refused_before_anything_is_read(fecbench, monkeypatch, name):
    monkeypatch.setenv(name, "2")
    code, _, err = fecbench("bench", "nowhere.toml")
    assert code == 2
    assert f"must have no launcher, but 2 processes were launched; start it alone, or unset {name}" in err
    with pytest.raises(UsageError, match="run_spec starts a process for each run"):
        run_spec("nowhere.toml")


def test_runs_of_a_part_count_for_the_whole(fecbench, toy, tmp_path):
    spec, root = write(tmp_path, tiny(toy, seeds="[0, 1]")), tmp_path / "root"
    code, _, err = fecbench("bench", spec, "--root", root, "--seeds", "1")
    assert code == 0, err
    assert err.rstrip().endswith(f"next: fecbench leaderboard {root}")
    code, _, err = fecbench("bench", spec, "--root", root)
    assert (code, "already complete: 1 run" in err) == (0, True), err
    assert err.rstrip().endswith(f"next: fecbench leaderboard {root} --spec {spec}")
    assert len(list(readable_records(root))) == 2


def test_the_next_command_shows_the_trials_that_were_chosen(fecbench, toy, tmp_path):
    grid = "[grid]\nselect = 'validation'\nsettings.lr = [1e-4, 1e-3]\n"
    spec, root = write(tmp_path, tiny(toy, seeds="[0, 1]", more=grid)), tmp_path / "root"
    code, _, err = fecbench("bench", spec, "--root", root, "--seeds", "0", "--limit", 30)
    assert code == 0, err
    assert err.rstrip().endswith(f"next: fecbench leaderboard {root} --best-trial")
    code, out, err = fecbench("leaderboard", root, "--best-trial")
    assert (code, out.count("\nce ")) == (0, 1), err


def test_the_next_command_names_the_folder_of_runs_that_were_done(fecbench, toy, tmp_path):
    spec = write(tmp_path, tiny(toy))
    code, _, err = fecbench("bench", spec, "--root", tmp_path / "first")
    assert code == 0, err
    code, _, err = fecbench("bench", spec, "--root", tmp_path / "second", "--done", tmp_path / "first")
    assert code == 0, err
    last = err.rstrip().splitlines()[-1].removeprefix("next: fecbench ")
    assert last == f"leaderboard {tmp_path / 'second'} {tmp_path / 'first'} --spec {spec}"
    code, _, err = fecbench(*last.split())
    assert code == 0, err


def test_declared_rows_of_one_method_keep_all_their_trials(fecbench, toy, tmp_path):
    rows = '[[row]]\nname = "a"\nobjective = "ce"\n[[row]]\nname = "b"\nobjective = "ce"\nsettings = { warmup = 0.5 }\n'
    grid = "[grid]\nselect = 'validation'\nsettings.lr = [1e-4, 1e-3]\n"
    text = tiny(toy).replace('objectives = ["ce"]', "")
    spec, root = write(tmp_path, text + rows + grid), tmp_path / "root"
    code, _, err = fecbench("bench", spec, "--root", root, "--limit", 30)
    assert code == 0, err
    assert err.rstrip().endswith(f"next: fecbench leaderboard {root}")
