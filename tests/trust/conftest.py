"""What the tests of trust share: the judge of malformed inputs, and commands that meet faults."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest

from fecbench.cli import main
from fecbench.core.files import UNFINISHED
from fecbench.data.datasets.locations import DataLocations
from fecbench.runs.experiment import Workplace, run
from fecbench.runs.plan import plan
from fecbench.runs.record import Record
from tests.conftest import rows

TRACES = {
    "run.json",
    "history.jsonl",
    "failure.json",
    ".lock",
    ".holder",
    "best.safetensors",
    "last.safetensors",
    "encoder",
    "logs",
}
TINY = ("--encoder", "scratch", "--epochs", "1", "--batch-size", "16")


@dataclass(frozen=True)
class Answer:
    """What a command said, and the exit code that it ended with."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return " ".join(f"{self.out}\n{self.err}".split())


class Judge:
    """Calls commands in one folder, and compares what lies there before and after."""

    def __init__(self, folder: Path, call: Callable[..., tuple[int, str, str]]):
        self.folder = folder
        self.call = call

    def __call__(self, *arguments: object) -> Answer:
        """The answer to a command, told in words, that changed no file and left nothing half-written."""
        before = tree(self.folder)
        with warnings.catch_warnings():
            warnings.simplefilter("default")  # as a user has it
            answer = Answer(*self.call(*arguments))
        after = tree(self.folder)
        assert {path: after.get(path) for path in before} == before, "a file was changed or lost"
        assert not [path for path in after if path.endswith(UNFINISHED)], "something half-written was left behind"
        assert "Traceback" not in answer.text
        assert answer.code in (0, 1, 2)
        return answer

    def refuses(self, *arguments: object, says: str | tuple[str, ...] = ()) -> Answer:
        """The command fails in words that hold ``says``; nothing that could be taken for a result appears."""
        before = tree(self.folder)
        answer = self(*arguments)
        assert answer.code in (1, 2), answer.text
        for words in (says,) if isinstance(says, str) else says:
            assert words.lower() in answer.text.lower(), answer.text
        new = {Path(path) for path in tree(self.folder).keys() - before.keys()}
        assert not [path for path in new if not TRACES.intersection(path.parts) and (self.folder / path).is_file()], (
            sorted(new)
        )
        assert not [path for path in new if path.name == "result.json"]
        return answer


def tree(folder: Path) -> dict[str, str]:
    """Every path under ``folder`` and what is there: a file by its checksum. Locks come and go, and the last failure replaces another."""
    return {
        str(path.relative_to(folder)): _kind(path)
        for path in folder.rglob("*")
        if path.name not in (".lock", "failure.json")
    }


def _kind(path: Path) -> str:
    if path.is_symlink():
        return f"link to {path.readlink()}"
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder" if path.is_dir() else "other"


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


def write_toy(folder: Path, tag: str = "") -> Path:
    """A small data set of three labels as a folder of CSV files."""
    folder.mkdir(parents=True)
    for split, count in (("train", 10), ("validation", 3), ("test", 4)):
        lines = [f"{text},{label}" for text, label in rows(count, tag + split)]
        (folder / f"{split}.csv").write_text("\n".join(["text,label", *lines]) + "\n")
    return folder


@dataclass(frozen=True)
class Shelf:
    """Runs made once, to be copied and then spoiled."""

    folder: Path

    def take(self, name: str, to: Path) -> Path:
        """A copy of the run ``name``."""
        return shutil.copytree(self.folder / name, to)


def train(name: str, data: Path, folder: Path, **flags: object) -> Record:
    """A complete run of one epoch."""
    chosen = plan(name, {"dataset": str(data), "encoder": "scratch", "epochs": 1, "batch_size": 16, **flags})
    return run(chosen, Workplace(DataLocations(), folder))


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
    """How a command ended, what it printed, and what it wrote."""

    code: int
    said: str
    writes: list[str]


@pytest.fixture(scope="session")
def faulty():
    """Carry out a command that may meet a fault: ``faulty("run", "ce", folder=root, fault="kill", at=3)``."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(Path(__file__).parent / "faults.py")]
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
    """A folder with ``run``, a small run of a method that nothing disturbed, and ``other``, with another seed; and what ``run`` wrote."""
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
