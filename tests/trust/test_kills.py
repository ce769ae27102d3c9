"""Runs killed hard, at every write and at random moments: resumed, they end as one that nothing disturbed, and no board counts half a run."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from itertools import count
from pathlib import Path

import pytest

ROOMS = (0, 100, 2000, 20000)  # bytes: within a JSON file, within the tokenizer, within a checkpoint


@pytest.fixture
def board(fecbench):
    """What a leaderboard says of a folder, without times."""

    def read(folder: Path) -> str:
        code, out, err = fecbench("leaderboard", folder, "--json")
        assert code == 0, err
        tables = json.loads(out)["tables"]
        for row in (row for table in tables for row in table["rows"]):
            for run in (run for cell in row["cells"] for run in cell["runs"]):
                del run["started"]
        return json.dumps(tables)

    return read


@pytest.fixture
def arena(unbroken, board, contents, tmp_path):
    """A folder in which a run is broken beside a complete one, and judges of it: whether its board is right, and whether it is whole."""

    class Arena:
        def __init__(self, name: str):
            self.whole, self.writes = unbroken(name)
            self.allowed = {board(self.whole / "other"), board(self.whole)}

        def open(self, where: str) -> Path:
            shutil.copytree(self.whole / "other", tmp_path / where / "other")
            return tmp_path / where / "run"

        def check_board(self, run: Path) -> None:
            assert board(run.parent) in self.allowed

        def check_whole(self, run: Path) -> None:
            assert contents(run) == contents(self.whole / "run")
            assert board(run.parent) == board(self.whole)

    return Arena


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ce", "aml"])
def test_a_run_killed_in_every_life_at_a_later_write(arena, faulty, small, name):
    place = arena(name)
    run, kills = place.open("here"), 0
    for at in count(0, 4):
        fault = ("kill", "tear")[kills % 2]
        done = faulty(*small(name, run), folder=run.parent, fault=fault, at=at, room=ROOMS[kills // 2 % 4])
        place.check_board(run)
        if done.code >= 0:
            assert done.code == 0, done.said
            break
        kills += 1
    assert kills >= 6
    place.check_whole(run)


@pytest.mark.trust
@pytest.mark.parametrize(
    ("name", "fault"), [("ce", "kill"), ("ce", "tear"), ("aml", "kill"), ("aml", "tear"), ("lcl", "kill"), ("supcon", "kill")]
)
def test_a_run_killed_at_any_write_and_killed_again(arena, faulty, small, name, fault):
    place, chance = arena(name), random.Random(0)
    for at in range(len(place.writes)):
        run = place.open(str(at))
        first = faulty(*small(name, run), folder=run.parent, fault=fault, at=at, room=chance.choice(ROOMS))
        assert first.code < 0 or at > place.writes.index("rename result.json.unfinished"), (at, first.said)
        place.check_board(run)
        faulty(*small(name, run), folder=run.parent, fault="kill", at=chance.randrange(len(place.writes)))
        place.check_board(run)
        last = faulty(*small(name, run), folder=run.parent)
        assert last.code == 0, (at, last.said)
        place.check_whole(run)


@pytest.mark.trust
@pytest.mark.parametrize("name", ["ce", "aml"])
def test_a_run_killed_at_random_moments(contents, board, small, tmp_path, name):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}

    def start(folder: Path) -> subprocess.Popen:
        command = [sys.executable, "-m", "fecbench", *map(str, small(name, folder)), "--epochs", "6", "--limit", "320"]
        return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    began = time.monotonic()
    assert start(tmp_path / "whole" / "run").wait() == 0
    whole, wanted, life = contents(tmp_path / "whole" / "run"), board(tmp_path / "whole"), time.monotonic() - began
    chance, kills, run = random.Random(0), 0, tmp_path / "0" / "run"
    while kills < 16 or not (run / "result.json").exists():
        process = start(run)
        try:
            process.wait(chance.uniform(0.3, 1) * life if kills < 16 else None)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
        if not (run / "result.json").exists():
            assert process.returncode == -signal.SIGKILL
            continue
        process = start(run)  # a kill may have hit just before all was tidied up
        assert process.wait() == 0
        assert contents(run) == whole
        assert board(run.parent) == wanted
        run = run if kills == 16 else tmp_path / str(kills) / "run"
