"""Searches carried out: trials are runs, a second time nothing runs, boards need no Optuna."""

import json
import sys

import pytest

from fecbench.bench import matrix
from fecbench.bench.matrix import Records
from fecbench.bench.status import bench_status
from fecbench.bench.time_estimates import Estimates
from fecbench.data.datasets.locations import DataLocations
from fecbench.runs.experiment import RunContext, run
from fecbench.runs.find import readable_records
from tests.support.benches import carried_out, numbers, prepared, tiny, write

pytestmark = pytest.mark.slow

RATE = "settings.lr = { low = 1e-5, high = 1e-2, log = true }"


def search(sampler: str, trials: int, startup: int = 2) -> str:
    return f"[search]\nselect = 'validation'\ntrials = {trials}\nsampler = '{sampler}'\nstartup = {startup}\n{RATE}\n"


def spec_of(toy, folder, sampler: str, trials: int, startup: int = 2):
    return write(folder, tiny(toy, seeds="[0, 1]", more=search(sampler, trials, startup)))


def train(task) -> None:
    run(task.planned.plan, RunContext(DataLocations(), task.record.folder, trial=task.planned.trial))


def test_random_trials_are_runs_and_a_second_time_nothing_runs(toy, tmp_path):
    spec, root = spec_of(toy, tmp_path, "random", 3), tmp_path / "root"
    done = carried_out(spec, root, "--json")
    assert done.returncode == 0, done.stderr
    assert "among 3 trials drawn at random from lr 1e-05 to 0.01 on a log scale" in done.stderr
    assert "3 of 3 trials complete" in done.stderr
    assert "4 of 4 runs complete" in done.stderr  # three trials and the other seed of the best
    states = json.loads(done.stdout)
    assert sorted(state["seed"] for state in states) == [0, 0, 0, 1]
    before = numbers(root)
    again = carried_out(spec, root)
    assert again.returncode == 0
    assert "already complete: 4 runs" in again.stderr
    assert numbers(root) == before
    trials = [record.run_file.trial for record in readable_records(root)]
    assert sorted(trial.number for trial in trials if trial) == [0, 1, 2]
    assert len({trial.search for trial in trials if trial}) == 1


def test_tpe_in_processes_chooses_and_continues(toy, tmp_path):
    pytest.importorskip("optuna")
    spec, root = spec_of(toy, tmp_path, "tpe", 4), tmp_path / "root"
    done = carried_out(spec, root)
    assert done.returncode == 0, done.stderr
    assert "among 4 trials proposed by TPE" in done.stderr
    assert "4 of 4 trials complete" in done.stderr
    assert "5 of 5 runs complete" in done.stderr
    other = carried_out(spec, tmp_path / "other")
    assert other.returncode == 0
    assert numbers(tmp_path / "other") == numbers(root)


def test_a_plan_counts_the_trials_that_a_search_has_not_proposed_yet(toy, tmp_path):
    pytest.importorskip("optuna")
    benchmark = prepared(spec_of(toy, tmp_path, "tpe", 5), tmp_path / "root")
    (entry,) = benchmark.matrix.entries
    assert len(benchmark.all_tasks()) == 2
    assert benchmark.undecided(entry) == 3 + 1  # trials, and the other seed of the best
    (row,) = bench_status(benchmark, Estimates([]))
    assert row.waiting == 5 + 1
    for task in benchmark.first(benchmark.matrix.entries):
        train(task)
    assert len(benchmark.all_tasks()) == 3 + 1  # the next trial, and the other seed of the best so far
    assert benchmark.undecided(entry) == 2
    assert benchmark.final(benchmark.matrix.entries) == []  # not before all trials have ended


def test_an_unfinished_trial_stops_a_search_and_a_failed_one_does_not(toy, tmp_path):
    pytest.importorskip("optuna")
    benchmark = prepared(spec_of(toy, tmp_path, "tpe", 3), tmp_path / "root")
    first, second = benchmark.first(benchmark.matrix.entries)
    train(first)
    assert len(benchmark.all_tasks()) == 2 + 1  # the second trial, and the other seed of the first
    second.record.folder.mkdir()
    (second.record.folder / "failure.json").write_text('{"status": "failed", "message": "diverged"}')
    assert second.status == "failed"
    assert len(benchmark.all_tasks()) == 3 + 1
    assert "1 of 3 trials complete" in benchmark.selection().notes[0]


def test_a_board_takes_trials_from_records_and_needs_no_optuna(toy, tmp_path, monkeypatch):
    pytest.importorskip("optuna")
    spec = spec_of(toy, tmp_path, "tpe", 3)
    benchmark = prepared(spec, tmp_path / "root")
    for _ in range(2):  # the random trials, then that of TPE
        for task in benchmark.all_tasks():
            if task.planned.trial and task.status != "complete":
                train(task)
    expected = benchmark.selection()
    assert "3 of 3 trials complete" in expected.notes[0]
    monkeypatch.setitem(sys.modules, "optuna", None)
    shown = matrix.select(spec, Records(readable_records(tmp_path / "root")))
    assert shown.notes == expected.notes
    assert [planned.settings for planned in shown.runs] == [planned.settings for planned in expected.runs]
    assert [planned.settings for planned in shown.trials] == [planned.settings for planned in expected.trials]


def test_a_board_keeps_its_trials_if_another_optuna_would_propose_others(toy, tmp_path, monkeypatch):
    pytest.importorskip("optuna")
    spec = spec_of(toy, tmp_path, "tpe", 3)
    benchmark = prepared(spec, tmp_path / "root")
    for _ in range(2):
        for task in benchmark.all_tasks():
            if task.planned.trial and task.status != "complete":
                train(task)
    proposed = [planned.settings["lr"] for planned in benchmark.selection().trials]
    monkeypatch.setattr("fecbench.bench.trial_sampler.TrialSampler.following", lambda self, trials: {"lr": 0.005})
    shown = matrix.select(spec, Records(readable_records(tmp_path / "root")))
    assert [planned.settings["lr"] for planned in shown.trials] == proposed


@pytest.mark.parametrize("wrong", ["[1]", "{", '{"search": "a"}', '{"search": "a", "number": -1}'])
def test_what_is_said_of_a_trial_must_be_its_search_and_number(fecbench, wrong):
    code, _, err = fecbench("run", "ce", "--dataset", "demo", "--trial", wrong)
    assert code == 2
    assert "--trial must be a JSON object of a search's digest and the number of its trial" in err
