"""Locks: one process works on a run, and watchers don't disturb it."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from fecbench.core.errors import RunError
from fecbench.runs.record import FAILURE, Record
from fecbench.runs.run_folder import acquire, sign
from tests.support.interrupted import StopAfter, begun, train_briefly


@pytest.mark.slow
def test_a_taken_folder_is_refused_and_left_as_it_is(toy, tmp_path):
    record = train_briefly("ce", toy, tmp_path / "run")
    with pytest.raises(
        RunError, match=r"holds a run already \(complete\); continue it with --resume, or choose another --run-dir"
    ):
        train_briefly("ce", toy, tmp_path / "run")
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("precious")
    with pytest.raises(RunError, match=r"must be empty, but holds chapter\.txt"):
        train_briefly("ce", toy, tmp_path / "thesis")
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "precious"
    assert record.status == "complete"


@pytest.mark.slow
def test_two_processes_on_one_run(toy, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train_briefly("ce", toy, tmp_path / "run", observers=[StopAfter(1)])
    record = Record(tmp_path / "run")
    code = "import sys, time; from pathlib import Path; from fecbench.runs.record import Record; "
    code += "from fecbench.runs.run_folder import acquire, sign; "
    code += "record = Record(Path(sys.argv[1])); lock = acquire(record); sign(record); "
    code += "print('held', flush=True); time.sleep(60)"
    other = subprocess.Popen([sys.executable, "-c", code, str(record.folder)], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout.readline() == "held\n"
        assert record.status == "running"
        with pytest.raises(RunError, match=f"is being worked on by process {other.pid} on "):
            train_briefly("ce", toy, tmp_path / "run", resume=True)
    finally:
        other.kill()
        other.wait()
        other.stdout.close()
    assert train_briefly("ce", toy, tmp_path / "run", resume=True).status == "complete"


@pytest.mark.slow
def test_watchers_neither_keep_a_run_from_its_lock_nor_take_one_another_for_it(toy, tmp_path):
    record = begun(toy, tmp_path / "run")
    sign(record)  # as a killed process leaves it: its lock decides
    locking, stop = Event(), Event()

    def watch() -> int:
        looks = 0
        while not stop.is_set():
            assert Record(record.folder).status == "interrupted" or locking.is_set()
            looks += 1
        return looks

    with ThreadPoolExecutor(8) as pool:
        watchers = [pool.submit(watch) for _ in range(8)]
        time.sleep(0.5)
        locking.set()
        for _ in range(100):
            acquire(record).release()  # which raises where it can't be had
        stop.set()
    assert all(watcher.result() for watcher in watchers)


def test_a_status_takes_no_lock(toy, tmp_path, monkeypatch):
    def locked(*_):
        raise AssertionError("a lock was taken")

    record = begun(toy, tmp_path / "run")
    monkeypatch.setattr("fecbench.runs.lock_state.fcntl.flock", locked)
    assert record.status == "interrupted"
    (record.folder / FAILURE).unlink()
    assert record.status == "unfinished"
