"""Searches carried out: trials are runs and stay as they were recorded, a second time nothing runs."""

import json

import pytest

from fecbench.bench.comparable_records import Records
from fecbench.bench.matrix import select
from fecbench.bench.spec import read_spec
from fecbench.bench.status import bench_status
from fecbench.bench.time_estimates import Estimates
from fecbench.bench.trial_sampler import TrialSampler
from fecbench.data.datasets.locations import DataLocations
from fecbench.runs.experiment import RunContext, run
from fecbench.runs.find import readable_records
from tests.support.benches import carried_out, numbers, prepared, tiny, write

pytest.importorskip("optuna")
pytestmark = pytest.mark.slow

RATE = "settings.lr = { low = 1e-5, high = 1e-2, log = true }"


def search(sampler: str, trials: int, startup: int = 2) -> str:
    return f"[search]\nselect = 'validation'\ntrials = {trials}\nsampler = '{sampler}'\nstartup = {startup}\n{RATE}\n"


def spec_of(toy, folder, sampler: str, trials: int, startup: int = 2):
    return write(folder, tiny(toy, seeds="[0, 1]", more=search(sampler, trials, startup)))


def train(task) -> None:
    run(task.planned.plan, RunContext(DataLocations(), task.record.folder, trial=task.planned.trial))


def test_random_trials_are_runs_and_a_second_time_nothing_runs(fecbench, runs_here, toy, tmp_path):
    spec, root = spec_of(toy, tmp_path, "random", 3), tmp_path / "root"
    code, out, err = fecbench("bench", spec, "--root", root, "--json")
    assert code == 0, err
    assert "among 3 trials drawn at random from lr 1e-05 to 0.01 on a log scale" in err
    assert "3 of 3 trials complete" in err
    assert "4 of 4 runs complete" in err  # three trials and the other seed of the best
    states = json.loads(out)
    assert sorted(state["seed"] for state in states) == [0, 0, 0, 1]
    before = numbers(root)
    code, _, err = fecbench("bench", spec, "--root", root)
    assert (code, "already complete: 4 runs" in err) == (0, True), err
    assert numbers(root) == before
    trials = [record.run_file.trial for record in readable_records(root)]
    assert sorted(trial.number for trial in trials if trial) == [0, 1, 2]
    assert len({trial.search for trial in trials if trial}) == 1


def test_tpe_proposes_the_same_in_processes_and_in_one(fecbench, runs_here, toy, tmp_path):
    spec, root = spec_of(toy, tmp_path, "tpe", 3), tmp_path / "root"
    done = carried_out(spec, root)
    assert done.returncode == 0, done.stderr
    assert "among 3 trials proposed by TPE" in done.stderr
    assert "3 of 3 trials complete" in done.stderr
    assert "4 of 4 runs complete" in done.stderr
    code, _, err = fecbench("bench", spec, "--root", tmp_path / "other")
    assert code == 0, err
    assert numbers(tmp_path / "other") == numbers(root)


def test_a_plan_counts_the_trials_that_a_search_has_not_proposed_yet(toy, tmp_path):
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
    benchmark = prepared(spec_of(toy, tmp_path, "tpe", 3), tmp_path / "root")
    first, second = benchmark.first(benchmark.matrix.entries)
    train(first)
    assert len(benchmark.all_tasks()) == 2 + 1  # the second trial, and the other seed of the first
    second.record.folder.mkdir()
    (second.record.folder / "failure.json").write_text('{"status": "failed", "message": "diverged"}')
    assert second.status == "failed"
    assert len(benchmark.all_tasks()) == 3 + 1
    assert "1 of 3 trials complete" in benchmark.selection().notes[0]
    assert benchmark.final(benchmark.matrix.entries) == []  # the third trial hasn't ended


def lrs(benchmark) -> list[float]:
    """Return the learning rates of the trials that are known so far."""
    return [planned.settings["lr"] for planned in benchmark.selection().trials]


def search_through(benchmark) -> None:
    """Train the trials of a search, one after the other."""
    while left := [task for task in benchmark.all_tasks() if task.planned.trial and task.status != "complete"]:
        train(left[0])


def propose_others(monkeypatch) -> None:
    """Let the sampler propose other trials, as another version of Optuna may."""
    monkeypatch.setattr(TrialSampler, "_random", lambda self, number, attempt: (0.001 + 0.0001 * (number + attempt),))
    monkeypatch.setattr(TrialSampler, "_tpe", lambda self, trials: (0.005,))


def test_a_search_continues_to_its_recorded_trials_under_another_optuna(toy, tmp_path, monkeypatch):
    root = tmp_path / "root"
    benchmark = prepared(spec_of(toy, tmp_path, "tpe", 3), root)
    search_through(benchmark)
    before = lrs(benchmark)
    propose_others(monkeypatch)
    assert lrs(prepared(spec_of(toy, tmp_path, "tpe", 3), root)) == before
    more = lrs(prepared(spec_of(toy, tmp_path, "tpe", 5), root))  # raising the number of trials extends the search
    assert more == [*before, 0.005]


def test_trials_of_other_code_or_another_search_are_proposed_anew(toy, tmp_path, monkeypatch):
    spec, root = spec_of(toy, tmp_path, "random", 2), tmp_path / "root"
    search_through(prepared(spec, root))
    propose_others(monkeypatch)
    monkeypatch.setattr("fecbench.bench.benchmark._code", lambda *_: "other")
    assert lrs(prepared(spec, root)) == pytest.approx([0.001, 0.0011])
    monkeypatch.undo()
    propose_others(monkeypatch)
    spec.write_text(spec.read_text().replace("trials = 2", "trials = 2\nseed = 1"))
    assert lrs(prepared(spec, root)) == pytest.approx([0.001, 0.0011])


def test_later_trials_stay_as_they_are_when_a_failed_one_completes(toy, tmp_path):
    spec, root = spec_of(toy, tmp_path, "tpe", 4), tmp_path / "root"
    benchmark = prepared(spec, root)
    first, failed = benchmark.first(benchmark.matrix.entries)
    train(first)
    failed.record.folder.mkdir()
    (failed.record.folder / "failure.json").write_text('{"status": "failed", "message": "diverged"}')
    for _ in range(2):
        train(next(task for task in benchmark.all_tasks() if task.status == "unfinished" and task.planned.trial))
    before = lrs(benchmark)
    (failed.record.folder / "failure.json").unlink()
    failed.record.folder.rmdir()
    train(failed)
    assert lrs(prepared(spec, root)) == before
    entry = benchmark.matrix.entries[0]
    assert [planned["lr"] for planned in entry.grown(benchmark._score).candidates] != before  # TPE knows more now


def test_a_board_keeps_its_trials_if_another_optuna_would_propose_others(toy, tmp_path, monkeypatch):
    spec, root = spec_of(toy, tmp_path, "tpe", 3), tmp_path / "root"
    benchmark = prepared(spec, root)
    search_through(benchmark)
    expected = benchmark.selection()
    assert "3 of 3 trials complete" in expected.notes[0]
    propose_others(monkeypatch)
    shown = select(read_spec(spec), Records(readable_records(root)))
    assert shown.notes == expected.notes
    assert [planned.settings for planned in shown.runs] == [planned.settings for planned in expected.runs]
    assert [planned.settings for planned in shown.trials] == [planned.settings for planned in expected.trials]


@pytest.mark.parametrize("wrong", ["[1]", "{", '{"search": "a"}', '{"search": "a", "number": -1}'])
def test_what_is_said_of_a_trial_must_be_its_search_and_number(fecbench, wrong):
    code, _, err = fecbench("run", "ce", "--dataset", "demo", "--trial", wrong)
    assert code == 2
    assert "--trial must be a JSON object of a search's digest and the number of its trial" in err
