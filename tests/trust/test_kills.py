"""Runs killed at every write and at random moments end, resumed, as undisturbed ones; no board counts half a run."""

import json
import random
import shutil
import signal
import time
from itertools import count, product
from pathlib import Path

import pytest

from fecbench.results.leaderboard.publish import PUBLISHED
from fecbench.runs.find import find_records, records_under
from fecbench.runs.record import RUN

FAULTS = ("kill", "tear", "cut")
BEHIND = ("kill", "tear")  # with a thread that writes; it could go on for a moment after a cut
ROOMS = (0, 100, 2000, 20000)  # bytes: within a JSON file, within the tokenizer, within a checkpoint


@pytest.fixture
def board(fecbench):
    """Return a function that makes the leaderboard of a folder, without times."""

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
    """A folder with a broken run beside a complete one; it judges whether its board is right and the run whole."""

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
@pytest.mark.parametrize(
    ("name", "faults", "background"),
    [("ce", FAULTS, False), pytest.param("aml", FAULTS, False, marks=pytest.mark.trust), ("ce", BEHIND, True)],
)
def test_a_run_killed_in_every_life_at_a_later_write(arena, faulty, small, name, faults, background):
    place = arena(name)
    run, kills = place.open("here"), 0
    for at in count(0, 4):
        how = {"fault": faults[kills % len(faults)], "room": ROOMS[kills % 4], "background": background}
        done = faulty(*small(name, run), folder=run.parent, at=at, **how)
        place.check_board(run)
        if done.code >= 0:
            assert done.code == 0, done.said
            break
        kills += 1
    assert kills >= 6
    place.check_whole(run)


ANY = [*product(("ce", "aml"), FAULTS), ("lcl", "cut"), ("supcon", "cut")]


@pytest.mark.trust
@pytest.mark.parametrize(
    ("name", "fault", "background"), [*((*one, False) for one in ANY), *product(("ce", "aml"), BEHIND, (True,))]
)
def test_a_run_killed_at_any_write_and_killed_again(arena, faulty, small, name, fault, background):
    place, chance = arena(name), random.Random(0)
    for at in range(len(place.writes)):
        run = place.open(str(at))
        how = {"fault": fault, "room": chance.choice(ROOMS), "background": background}
        first = faulty(*small(name, run), folder=run.parent, at=at, **how)
        assert first.code < 0 or (fault == "tear" and (run / "result.json").exists()), (at, first.said)
        place.check_board(run)
        again = {"fault": "kill", "at": chance.randrange(len(place.writes)), "background": background}
        faulty(*small(name, run), folder=run.parent, **again)
        place.check_board(run)
        last = faulty(*small(name, run), folder=run.parent)
        assert last.code == 0, (at, last.said)
        place.check_whole(run)


@pytest.mark.trust
@pytest.mark.parametrize(("name", "background"), [("ce", False), ("aml", False), ("ce", True)])
def test_a_run_killed_at_random_moments(arena, faulty, small, tmp_path, name, background):
    place, chance, kills = arena(name), random.Random(0), 0
    began = time.monotonic()
    assert faulty(*small(name, tmp_path / "run"), folder=tmp_path).code == 0
    life = time.monotonic() - began
    attempts = count()  # more than kills: a run may outlive the moment that was drawn for it
    while kills < 20:
        run, code = place.open(str(next(attempts))), -signal.SIGALRM
        while code == -signal.SIGALRM:
            after = chance.uniform(0.2, 1.2) * life
            code = faulty(*small(name, run), folder=run.parent, after=after, background=background).code
            kills += code == -signal.SIGALRM
            place.check_board(run)
        assert code == 0
        place.check_whole(run)


@pytest.mark.trust
@pytest.mark.parametrize("fault", ["kill", "cut"])
def test_publishing_killed_at_any_write(faulty, unbroken, board, tmp_path, fault):
    whole, _ = unbroken("ce")
    wanted = board(whole)
    writes = faulty("leaderboard", whole, "--publish", tmp_path / "all", folder=tmp_path).writes
    for at in range(len(writes)):
        folder = tmp_path / str(at)
        done = faulty("leaderboard", whole, "--publish", folder, folder=tmp_path, fault=fault, at=at)
        assert done.code == -signal.SIGKILL
        for record in records_under(folder):
            wanted_files = {name for name in PUBLISHED if (whole / record.id / name).exists()}
            assert {path.name for path in record.folder.iterdir()} == wanted_files
            assert all(path.stat().st_size for path in record.folder.iterdir())
        assert faulty("leaderboard", whole, "--publish", folder, folder=tmp_path).code == 0
        assert board(folder) == wanted


def test_a_copy_that_was_broken_off_is_no_run(tmp_path):
    for name in ("whole", "half.unfinished"):
        (tmp_path / name).mkdir()
        (tmp_path / name / RUN).touch()
    assert [record.id for record in records_under(tmp_path)] == ["whole"]
    assert [record.id for record in find_records([tmp_path])] == ["whole"]
