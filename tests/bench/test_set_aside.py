"""Records that a bench sets aside: those of another run, of other versions, and all of them with --force."""

import json
from datetime import datetime

import pytest

from fecbench.bench.status import bench_status
from fecbench.bench.time_estimates import Estimates
from fecbench.data.datasets.locations import DataLocations
from fecbench.runs.experiment import RunContext, run
from fecbench.runs.find import readable_records
from fecbench.runs.plan import plan
from fecbench.runs.record import RESULT, RUN
from fecbench.runs.run_folder import set_aside
from tests.support.benches import prepared, tiny, write

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("complete", [True, False])
@pytest.mark.parametrize("other", ["rows", "code", "settings", "labels"])
def test_a_record_of_another_run_than_its_folder_promises_is_set_aside(toy, tmp_path, monkeypatch, other, complete):
    benchmark = prepared(write(tmp_path, tiny(toy)), tmp_path / "root")
    (task,) = benchmark.all_tasks()
    rows, description = (toy / "train.csv").read_text(), toy / "dataset.toml"
    with monkeypatch.context() as patched:  # what an earlier fecbench did where data or code was edited under way
        if other == "rows":
            (toy / "train.csv").write_text(rows + "one more,sad\n")
        elif other == "labels":
            description.write_text('[labels.descriptions]\nsad = "unhappy"\n')
        elif other == "code":
            patched.setattr("fecbench.runs.provenance.code_digest", lambda _: "another")
        flags = {"lr": 0.5} if other == "settings" else {}
        run(
            plan("ce", {"dataset": str(toy), "seed": 0, **flags}, task.planned.asked),
            RunContext(DataLocations(), task.record.folder),
        )
    (toy / "train.csv").write_text(rows)
    description.unlink(missing_ok=True)
    if not complete:
        (task.record.folder / RESULT).unlink()
    assert task.status == ("stale" if complete else "unfinished")
    assert benchmark._score(task.planned) is None
    (row,) = bench_status(benchmark, Estimates([]))
    assert (row.complete, row.waiting) == (0, 1)
    assert task.is_stale
    set_aside(task.record.folder)
    assert not task.record.folder.exists()
    run(task.planned.plan, RunContext(DataLocations(), task.record.folder, expected=task.content))
    assert (task.status, task.is_stale) == ("complete", False)


def test_force_sets_earlier_records_aside(toy, tmp_path):
    benchmark = prepared(write(tmp_path, tiny(toy)), tmp_path / "root")
    (task,) = benchmark.all_tasks()
    run(task.planned.plan, RunContext(DataLocations(), task.record.folder))
    assert task.record.status == "complete"
    benchmark.set_aside()
    assert not task.record.folder.exists()
    assert [record.status for record in readable_records(tmp_path / "root")] == ["complete"]


def test_records_set_aside_in_one_second_get_names_of_their_own(toy, tmp_path, monkeypatch):
    benchmark = prepared(write(tmp_path, tiny(toy)), tmp_path / "root")
    (task,) = benchmark.all_tasks()

    class Frozen(datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2026, 11, 1, 2, 30, tzinfo=tz)

    monkeypatch.setattr("fecbench.runs.run_folder.datetime", Frozen)
    for number in range(3):
        task.record.folder.mkdir(parents=True)
        (task.record.folder / "which").write_text(str(number))
        benchmark.set_aside()
    name = f"{task.record.id}.until-20261101-023000"
    assert {path.name: (path / "which").read_text() for path in (tmp_path / "root").iterdir()} == {
        name: "0",
        f"{name}-2": "1",
        f"{name}-3": "2",
    }


def test_what_was_broken_off_under_other_versions_is_set_aside(toy, tmp_path):
    benchmark = prepared(write(tmp_path, tiny(toy)), tmp_path / "root")
    (task,) = benchmark.all_tasks()
    assert not task.is_stale
    run(task.planned.plan, RunContext(DataLocations(), task.record.folder))
    (task.record.folder / RESULT).unlink()
    assert not task.is_stale
    about = json.loads((task.record.folder / RUN).read_text())
    about["versions"]["numpy"] = "0"
    (task.record.folder / RUN).write_text(json.dumps(about))
    assert task.is_stale
