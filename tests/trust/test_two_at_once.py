"""Two processes on one run: one works, the other says whose it is. What a dead one left holds nobody up."""

import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from fecbench.core.errors import RunError
from fecbench.data.datasets.locations import DataLocations
from fecbench.runs.experiment import RunContext, run
from fecbench.runs.plan import plan
from fecbench.runs.record import HOLDER, Record
from fecbench.runs.run_folder import acquire


def start(*arguments: object, **environment: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "fecbench", *map(str, arguments)]
    return subprocess.Popen(
        command, env={**os.environ, "OMP_NUM_THREADS": "1", **environment}, stderr=subprocess.PIPE, text=True
    )


def ends(*processes: subprocess.Popen) -> list[tuple[int, str]]:
    said = [process.communicate(timeout=300)[1] for process in processes]
    return [(process.returncode, text) for process, text in zip(processes, said, strict=True)]


@pytest.mark.slow
def test_of_two_that_start_one_works_and_the_other_says_so(tmp_path):
    folder = tmp_path / "run"
    command = (
        f"run ce --dataset demo --encoder tiny-bert --epochs 400 --patience 400 --limit 64 --run-dir {folder}".split()
    )
    both = [start(*command), start(*command)]
    while all(process.poll() is None for process in both):
        time.sleep(0.1)
    worker, other = sorted(both, key=lambda process: process.poll() is not None)
    ((code, said),) = ends(other)
    assert code == 1
    assert (
        f"is being worked on by process {worker.pid} on {socket.gethostname()}; wait for it, or choose another" in said
    )
    assert Record(folder).status == "running"
    worker.send_signal(signal.SIGKILL)
    ends(worker)
    assert Record(folder).status == "unfinished"
    acquire(Record(folder)).release()  # which raises where it is held


@pytest.mark.trust
def test_two_that_fill_one_token_cache(contents, small, tmp_path):
    both = [start(*small("ce", tmp_path / name / "run"), XDG_CACHE_HOME=str(tmp_path / "cache")) for name in "ab"]
    assert [code for code, _ in ends(*both)] == [0, 0]
    assert contents(tmp_path / "a" / "run") == contents(tmp_path / "b" / "run")
    tokens = [path.name for path in (tmp_path / "cache" / "fecbench" / "tokens").iterdir()]
    assert len(tokens) == 3
    assert all(name.endswith(".tokens") for name in tokens)


@pytest.mark.parametrize("resume", [False, True])
def test_what_another_completed_while_the_lock_was_waited_for_stays_as_it_is(toy, tmp_path, monkeypatch, resume):
    """Between the look at a folder and its lock another process may have come and gone."""
    chosen = plan("ce", {"dataset": str(toy), "encoder": "tiny-bert", "epochs": 1, "batch_size": 16})
    folder = tmp_path / "run"

    def late(record: Record):
        monkeypatch.setattr("fecbench.runs.resume.acquire", acquire)
        run(chosen, RunContext(DataLocations(), folder, resume=True))
        return acquire(record)

    monkeypatch.setattr("fecbench.runs.resume.acquire", late)
    if resume:
        assert run(chosen, RunContext(DataLocations(), folder, resume=True)).status == "complete"
    else:
        with pytest.raises(RunError, match=r"holds a run already \(complete\)"):
            run(chosen, RunContext(DataLocations(), folder))
    record = Record(folder)
    assert record.status == "complete"
    assert [event["event"] for event in record.history()].count("evaluation") == 1
    assert not (folder / "last.safetensors").exists()
    assert not (folder / HOLDER).exists()
