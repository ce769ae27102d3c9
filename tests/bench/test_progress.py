"""Progress of a bench: times estimated from records, runs under way, and the cost of watching."""

import json
import re

import pytest

from fecbench.bench.status import bench_status
from fecbench.bench.time_estimates import Estimates
from fecbench.data.datasets.locations import DataLocations
from fecbench.runs.experiment import RunContext, run
from fecbench.runs.record import HISTORY, RESULT
from fecbench.runs.run_folder import acquire, sign
from fecbench.terminal import bench_progress as watching
from tests.support.benches import prepared, tiny, write

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("seconds", ["1e999", "-5e9", "1" + "0" * 400, '"long"', "null"])
def test_a_record_whose_times_are_none_estimates_nothing(toy, tmp_path, seconds):
    benchmark = prepared(write(tmp_path, tiny(toy)), tmp_path / "root")
    (task,) = benchmark.all_tasks()
    run(task.planned.plan, RunContext(DataLocations(), task.record.folder))
    result = task.record.folder / RESULT
    result.write_text(re.sub(r'"train_seconds": [\d.]+', f'"train_seconds": {seconds}', result.read_text()))
    assert Estimates.under(tmp_path / "root").seconds(task.planned.plan, 60) is None


def test_a_run_under_way_counts_for_what_is_left_of_it(toy, tmp_path):
    spec = write(tmp_path, tiny(toy).replace("epochs = 1", "epochs = 4"))
    benchmark = prepared(spec, tmp_path / "root")
    (task,) = benchmark.all_tasks()
    run(task.planned.plan, RunContext(DataLocations(), task.record.folder))
    whole = Estimates.under(tmp_path / "root")
    (task.record.folder / RESULT).unlink()
    history = task.record.folder / HISTORY
    history.write_text(
        "".join(line for line in history.read_text().splitlines(keepends=True) if json.loads(line)["epoch"] <= 1)
    )
    lock = acquire(task.record)
    sign(task.record)
    (row,) = bench_status(benchmark, whole)
    lock.release()
    assert (row.running, row.running_now) == (1, "s0 epoch 2/4")
    assert row.seconds == pytest.approx(0.75 * whole.seconds(task.planned.plan, 60))


def test_watching_takes_little_of_a_core(toy, tmp_path, monkeypatch):
    """After a look that cost 2 s of CPU time it waits until that is its share of the time."""
    watch, waits = watching.Watch(prepared(write(tmp_path, tiny(toy)), tmp_path / "root"), Estimates([]), 1), []
    monkeypatch.setattr(watching, "thread_time", iter([0.0, 2.0, 2.0, 2.0]).__next__)
    monkeypatch.setattr(watch.over, "wait", lambda pause: waits.append(pause) or len(waits) == 2)
    watch._repeat(lambda: None)
    assert waits == [0.0, 2.0 / watching.SHARE]
