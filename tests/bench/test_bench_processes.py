"""Benches in processes: failures stop nothing else, two share the work, Ctrl-C stops all, clusters change no number."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from fecbench.data.datasets.locations import DataLocations
from fecbench.runs.experiment import RunContext, run
from fecbench.runs.find import readable_records
from tests.support.benches import ENVIRONMENT, carried_out, command, numbers, prepared, tiny, write
from tests.support.toy_data import write_toy
from tests.support.traps import set_trap

pytestmark = pytest.mark.slow


def test_one_that_fails_stops_no_other(toy, tmp_path):
    spec = write(tmp_path, tiny(toy, objectives='["ce", "aml"]', more="objective.ce = { lr = 1e30 }"))
    done = carried_out(spec, tmp_path / "root", "--json")
    assert done.returncode == 1
    assert {s["row"]: s["status"] for s in json.loads(done.stdout)} == {"ce": "failed", "aml": "complete"}
    assert "failed: ce-" in done.stderr
    (log,) = (tmp_path / "root" / "logs").glob("ce-*.log")
    assert log.read_text().count("fecbench: ") == 1  # it isn't tried twice
    assert "1 of 2 runs complete" in done.stderr
    assert "Traceback" not in done.stderr


def test_two_benches_at_once_share_the_work(toy, tmp_path):
    grid = 'grid = { select = "validation", settings = { lr = [1e-4, 1e-3] } }'
    spec, root = write(tmp_path, tiny(toy, seeds="[0, 1]", more=grid)), tmp_path / "root"
    both = [subprocess.Popen(command(spec, root), env=ENVIRONMENT, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=300)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert all("2 of 2 trials complete" in one and "3 of 3 runs complete" in one for one in said)
    assert len(list(readable_records(root))) == 3


def test_ctrl_c_stops_all_and_the_same_command_goes_on(toy, tmp_path):
    spec = write(tmp_path, tiny(toy).replace("epochs = 1", "epochs = 4000, patience = 4000"))
    root = tmp_path / "root"
    process = subprocess.Popen(
        command(spec, root), env=ENVIRONMENT, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    waited = time.monotonic()
    while not list(root.glob("*/last.safetensors")) and time.monotonic() - waited < 300:
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=300)
    assert process.returncode == 1
    assert "stopped; run the same command again to continue" in said
    assert "Traceback" not in said
    (record,) = readable_records(root)
    waited = time.monotonic()
    while record.status == "running" and time.monotonic() - waited < 300:
        time.sleep(0.1)
    assert record.status in ("interrupted", "unfinished")
    assert record.history()


@pytest.fixture(scope="module")
def here(tmp_path_factory, one_thread) -> tuple[Path, dict]:
    """A spec of two runs, and the numbers of its runs in this process."""
    home = tmp_path_factory.mktemp("here")
    spec = write(home, tiny(write_toy(home / "toy", per_label=(20, 4, 5)), seeds="[0, 1]"))
    for task in prepared(spec, home / "root").all_tasks():
        run(task.planned.plan, RunContext(DataLocations(), task.record.folder))
    return spec, numbers(home / "root")


@pytest.mark.parametrize("engine", ["dask", "ray"])
def test_a_real_local_cluster(engine, here, tmp_path):
    """It changes no number, and no worker takes a module from the working directory."""
    pytest.importorskip("distributed" if engine == "dask" else "ray")
    spec, expected = here
    (tmp_path / "trap").mkdir()
    trap = set_trap(tmp_path / "trap")
    done = carried_out(spec, tmp_path / "cluster", "--engine", engine, cwd=trap)
    assert done.returncode == 0, done.stderr
    assert "2 of 2 runs complete" in done.stderr
    assert numbers(tmp_path / "cluster") == expected
    assert not (trap / "ran").exists()
