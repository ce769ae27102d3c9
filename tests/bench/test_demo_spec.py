"""The demo spec in processes: it completes, nothing runs twice, and kills change no number."""

import json
import os
import random
import signal
import subprocess
import time

import pytest

from fecbench.runs.find import readable_records
from fecbench.runs.record import LOCK, Record
from tests.support.benches import DEMO, ENVIRONMENT, carried_out, command, numbers

pytestmark = pytest.mark.slow
TWO_SEEDS = ["--seeds", "0,1"]  # trials and runs of the best, with fewer of the latter


def test_the_demo_spec(demo_bench):
    root, done = demo_bench
    assert done.returncode == 0, done.stderr
    states = json.loads(done.stdout)
    assert [(s["row"], s["seed"], s["status"]) for s in states] == [
        (row, seed, "complete") for row in ("ce", "aml") for seed in (0, 0, 1, 2)
    ]
    assert "8 of 8 runs complete" in done.stderr
    assert "among lr 0.0005 | lr 0.001 (first seed; 2 of 2 trials complete)" in done.stderr
    for record in readable_records(root):
        settings = record.about["settings"]
        assert settings["limit"] == {"value": 320, "origin": "spec"}
        assert settings["lr"]["origin"] == "spec"
        assert settings["encoder"] == {"value": "scratch", "origin": "data set demo"}
        assert record.about["threads"] == 1


def test_a_second_time_nothing_runs(demo_bench):
    root, _ = demo_bench
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*.*") if path.is_file()}
    again = carried_out(DEMO, root)
    assert again.returncode == 0
    assert "already complete: 8 runs" in again.stderr
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*.*") if path.is_file()} == before


@pytest.mark.parametrize("times", [2, pytest.param(10, marks=pytest.mark.trust)])
def test_a_matrix_killed_hard_again_and_again_ends_as_one_never_interrupted(demo_bench, tmp_path, times):
    unbroken = {run: found for run, found in numbers(demo_bench[0]).items() if "-s2-" not in run}
    chance, kills, root = random.Random(0), 0, tmp_path / "0"
    while kills < times:
        process = subprocess.Popen(
            command(DEMO, root, *TWO_SEEDS),
            env=ENVIRONMENT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        while process.poll() is None and not any(
            Record(lock.parent).status == "running" for lock in root.glob(f"*/{LOCK}")
        ):
            time.sleep(0.05)
        time.sleep(chance.uniform(0, 2))
        if process.poll() is not None:  # what the kills left was done before the next one came
            assert numbers(root) == unbroken
            root = tmp_path / str(kills)
            continue
        if kills % 2:  # the whole group at once, as a power cut; or the starter alone, as an out-of-memory kill
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.send_signal(signal.SIGKILL)
        process.wait()
        kills += 1
    done = carried_out(DEMO, root, *TWO_SEEDS)
    assert done.returncode == 0, done.stderr
    assert numbers(root) == unbroken
    assert len(unbroken) == 6
