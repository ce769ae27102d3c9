"""Commands on malformed inputs: what they answer, and which files they change."""

import hashlib
import shutil
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fecbench.core.files import UNFINISHED

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
    """The output and the exit code of a command."""

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
    """Return each path under ``folder`` with a checksum, but for locks and the last failure, which may change."""
    return {
        str(path.relative_to(folder)): _kind(path)
        for path in folder.rglob("*")
        if path.name not in (".lock", "failure.json")
    }


def _kind(path: Path) -> str:
    if path.is_symlink():
        return f"link to {path.readlink()}"
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder" if path.is_dir() else "other"


@dataclass(frozen=True)
class Shelf:
    """Runs made once, to be copied and then spoiled."""

    folder: Path

    def take(self, name: str, to: Path) -> Path:
        """A copy of the run ``name``."""
        return shutil.copytree(self.folder / name, to)
