"""Fixtures of the tests of trust: a judge of commands on malformed inputs, and commands that meet faults."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from fecbench.cli import main
from tests.support import faults
from tests.support.judge import Judge


@pytest.hookimpl(tryfirst=True)  # before pytest deselects by marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder as slow."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def judge(tmp_path, monkeypatch, capsys) -> Judge:
    """A judge in an empty folder, which is the current one."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["fecbench", *map(str, arguments)])
        capsys.readouterr()
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 1
        return (code, *capsys.readouterr())

    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return Judge(folder, call)


SMALL = [
    "--dataset",
    "demo",
    "--encoder",
    "tiny-bert",
    "--epochs",
    "2",
    "--limit",
    "64",
    "--batch-size",
    "16",
    "--lr",
    "0.01",
]
TIMES = {"started", "id", "seconds", "train_seconds", "texts_per_second"}


class Done(NamedTuple):
    """Exit code, output and written files of a command."""

    code: int
    said: str
    writes: list[str]


@pytest.fixture(scope="session")
def faulty():
    """Carry out a command that may meet a fault: ``faulty("run", "ce", folder=root, fault="kill", at=3)``."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, faults.__file__]
    server = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def carry_out(*arguments: object, folder: Path, **how: object) -> Done:
        server.stdin.write(json.dumps({"arguments": list(map(str, arguments)), "folder": str(folder), **how}) + "\n")
        server.stdin.flush()
        return Done(**json.loads(server.stdout.readline()))

    yield carry_out
    server.communicate()


@pytest.fixture(scope="session")
def small():
    """The arguments of a small run: ``small("ce", folder)``."""
    return lambda name, folder, seed=0: ["run", name, *SMALL, "--seed", seed, "--run-dir", folder, "--resume"]


@pytest.fixture(scope="session")
def unbroken(faulty, small, tmp_path_factory):
    """A folder with ``run``, an undisturbed small run, and ``other``, with another seed; and the writes of ``run``."""
    made: dict[str, tuple[Path, list[str]]] = {}

    def make(name: str) -> tuple[Path, list[str]]:
        if name not in made:
            root = tmp_path_factory.mktemp(name)
            run, other = (
                faulty(*small(name, root / folder, seed), folder=root) for folder, seed in (("run", 0), ("other", 1))
            )
            assert (run.code, other.code) == (0, 0), run.said + other.said
            made[name] = root, run.writes
        return made[name]

    return make


@pytest.fixture(scope="session")
def contents():
    """All that equal runs share: the content of every file, without times."""

    def read(folder: Path) -> dict[str, object]:
        found: dict[str, object] = {
            str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()
        }
        for name in ("run.json", "result.json"):
            found[name] = {key: value for key, value in json.loads(found[name]).items() if key not in TIMES}
        return found

    return read
