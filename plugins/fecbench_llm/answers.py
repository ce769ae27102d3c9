"""Raw answers, kept in a file as they come, so that no answer is paid for twice and scoring can be repeated offline."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from threading import Lock

import click
from filelock import FileLock, Timeout
from pydantic import TypeAdapter

from fecbench import FecbenchError


@dataclass(frozen=True)
class Answer:
    """What a model wrote.

    Attributes:
        text: its answer as it came.
        model: the model's name, as the endpoint that answered says.
        date: when, UTC in ISO 8601.
        dropped: demonstrations that were left out because the prompt was too long with them.
        prompt_tokens: tokens read, where that is told.
        completion_tokens: tokens written, where that is told.
    """

    text: str
    model: str = ""
    date: str = ""
    dropped: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0


_ANSWER = TypeAdapter(Answer)


class Answers(Mapping[str, Answer]):
    """Answers by the hash of their prompt: a line of JSON each. The first answer to a prompt stands.

    Several threads may keep answers in one file, and several processes one after another (:meth:`alone`). A line that a kill has torn is
    left out.

    Args:
        path: the file; None keeps them in memory alone.
        about: what all of them depend on besides their prompt; it becomes the file's first line, for people who look into it.
    """

    def __init__(self, path: Path | None = None, about: Mapping[str, object] | None = None):
        self.path, self.about = path, dict(about or {})
        self._found: dict[str, Answer] = {}
        self._lock, self._read = Lock(), 0
        self.refresh()

    @classmethod
    def read(cls, path: Path) -> Answers:
        """The answers of a file; what is kept besides stays in memory."""
        answers = cls(path)
        answers.path = None
        return answers

    def __getitem__(self, key: str) -> Answer:
        return self._found[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def refresh(self) -> None:
        """Read what the file holds beyond what was read before.

        Raises:
            FecbenchError: it can't be read.
        """
        if self.path is None or not self.path.exists():
            return
        try:
            with self.path.open("rb") as file:
                file.seek(self._read)
                *whole, _ = file.read().split(b"\n")  # a last line without an end is torn, or being written
        except OSError as error:
            raise FecbenchError(
                f"{self.path} must be a readable file of answers: {error}; mend or remove it"
            ) from error
        self._read += sum(len(line) + 1 for line in whole)
        for line in whole:
            if (entry := _entry(line)) is not None:
                self._found.setdefault(*entry)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else keeps answers in the file meanwhile; what others kept before is read.

        Raises:
            FecbenchError: the file's folder can't be written.
        """
        if self.path is None:
            yield
            return
        lock = FileLock(self.path.with_suffix(".lock"))
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            _acquire(lock)
        except OSError as error:
            raise FecbenchError(
                f"{self.path.parent} must be a folder to keep answers in, but can't be written: {error}"
            ) from error
        try:
            self.refresh()
            yield
        finally:
            lock.release()

    def keep(self, key: str, answer: Answer) -> None:
        """Write ``answer`` to the prompt ``key`` down, at once.

        Raises:
            FecbenchError: the file can't be written.
        """
        with self._lock:
            if self.path is not None:
                self._write({"prompt": key, **{part.name: getattr(answer, part.name) for part in fields(answer)}})
            self._found.setdefault(key, answer)

    def _write(self, entry: Mapping[str, object]) -> None:
        assert self.path is not None
        try:
            with self.path.open("ab") as file:
                start = file.tell()
                first = json.dumps(self.about, ensure_ascii=False) + "\n" if start == 0 and self.about else ""
                file.write(f"{first or _line_end(self.path, start)}{json.dumps(entry)}\n".encode())
        except OSError as error:
            raise FecbenchError(
                f"{self.path} can't be written: {error}; free space (the answers before are kept)"
            ) from error


def _acquire(lock: FileLock) -> None:
    """Wait for ``lock``, and say so where it takes a while."""
    try:
        lock.acquire(timeout=1)
    except Timeout:
        click.echo(f"waiting until another process has asked the same model ({lock.lock_file})", err=True)
        lock.acquire()


def _line_end(path: Path, size: int) -> str:
    """What ends a line that a kill has torn; nothing where the last line is whole."""
    if size == 0:
        return ""
    with path.open("rb") as file:
        file.seek(size - 1)
        return "" if file.read() == b"\n" else "\n"


def _entry(line: bytes) -> tuple[str, Answer] | None:
    """The prompt's hash and the answer of a line; None for a line of another make."""
    try:
        return str(json.loads(line)["prompt"]), _ANSWER.validate_json(line, strict=True)
    except (ValueError, KeyError, TypeError):
        return None
