"""A bench hands out runs in order, with their settings and logs."""

import json
import shutil

import pytest
from click.testing import CliRunner

from fecbench.bench.benchmark import Benchmark
from fecbench.bench.job import carry_out
from fecbench.bench.workers import Workers
from fecbench.cli import cli
from fecbench.core.errors import RunError, UsageError
from fecbench.runs.record import Record
from tests.support.benches import prepared, tiny, write

pytestmark = pytest.mark.slow


def test_groups_run_one_after_another_and_seed_by_seed(toy, tmp_path, monkeypatch):
    rows = """
        [[row]]
        name = "late"
        objective = "ce"
        group = 2
        seeds = [1]
        [[row]]
        name = "a"
        objective = "ce"
        settings = { label_smoothing = 0.1 }
        [[row]]
        name = "b"
        objective = "ce"
        settings = { label_smoothing = 0.2 }
    """
    spec = write(tmp_path, tiny(toy, seeds="[0, 1]", more=rows).replace('objectives = ["ce"]', ""))
    handed: list[list[tuple[str, int]]] = []

    def note(benchmark, tasks, workers):
        handed.append([(task.planned.row, task.planned.plan.settings.seed) for task in tasks])

    monkeypatch.setattr(Benchmark, "_execute", note)
    prepared(spec, tmp_path / "root").carry_out(Workers())
    assert [part for part in handed if part] == [[("a", 0), ("b", 0), ("a", 1), ("b", 1)], [("late", 1)]]


def test_a_run_takes_settings_as_json(toy, tmp_path):
    settings = json.dumps({"epochs": 1, "encoder": "tiny-bert", "lr": 0.001})
    arguments = [
        "run",
        "ce",
        "--dataset",
        str(toy),
        "--run-dir",
        str(tmp_path / "run"),
        "--settings",
        settings,
        "--lr",
        "0.01",
    ]
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 0, done.output
    recorded = Record(tmp_path / "run").about["settings"]
    assert (recorded["epochs"], recorded["lr"]) == ({"value": 1, "origin": "spec"}, {"value": 0.01, "origin": "flag"})
    for wrong in ("[1]", "{"):
        refused = CliRunner().invoke(cli, ["run", "ce", "--dataset", str(toy), "--settings", wrong])
        assert isinstance(refused.exception, UsageError)


def test_a_log_is_written_to_no_place_outside_the_root(toy, tmp_path):
    benchmark = prepared(write(tmp_path, tiny(toy)), tmp_path / "root")
    (task,) = benchmark.all_tasks()
    (tmp_path / "mine").mkdir()
    task.log.parent.mkdir(parents=True)
    task.log.symlink_to(tmp_path / "mine" / "notes")
    with pytest.raises(RunError, match=r"\.log must be a file in .*logs, but leads to .*notes"):
        carry_out(benchmark._job(task, Workers()))
    shutil.rmtree(task.log.parent)
    task.log.parent.symlink_to(tmp_path / "mine")
    with pytest.raises(RunError, match=r"logs must be a file in .*root, but leads to .*mine"):
        benchmark.carry_out(Workers())
    assert not [*(tmp_path / "mine").iterdir()]
