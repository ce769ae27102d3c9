"""A file of raw answers by prompt, so that no answer is paid for twice and scoring can be repeated offline."""

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
    """A model's answer to one prompt.

    Attributes:
        text: the raw text of the answer.
        model: name of the model, as the endpoint reports it.
        date: date and time of the answer, UTC in ISO 8601.
        dropped: number of demonstrations that were removed to shorten the prompt.
        prompt_tokens: tokens of the prompt, if reported.
        completion_tokens: tokens of the answer, if reported.
    """

    text: str
    model: str = ""
    date: str = ""
    dropped: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0


_ANSWER = TypeAdapter(Answer)


class Answers(Mapping[str, Answer]):
    """Answers by the hash of their prompt, one line of JSON each; the first answer to a prompt is final.

    Several threads may add answers to one file; several processes take turns (:meth:`alone`). A line that
    was cut off by a kill is ignored.

    Args:
        path: the file; None keeps the answers in memory only.
        about: settings that all answers depend on besides their prompt; written as the first line, for readers.
    """

    def __init__(self, path: Path | None = None, about: Mapping[str, object] | None = None):
        self.path, self.about = path, dict(about or {})
        self._found: dict[str, Answer] = {}
        self._lock, self._read = Lock(), 0
        self.refresh()

    @classmethod
    def read(cls, path: Path) -> Answers:
        """Read the answers of a file; answers added later stay in memory."""
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
        """Read the lines that were added to the file since the last read.

        Raises:
            FecbenchError: the file can't be read.
        """
        if self.path is None or not self.path.exists():
            return
        try:
            with self.path.open("rb") as file:
                file.seek(self._read)
                *whole, _ = file.read().split(b"\n")  # a last line without newline is cut off, or being written
        except OSError as error:
            raise FecbenchError(
                f"{self.path} must be a readable file of answers: {error}; restore or delete it"
            ) from error
        self._read += sum(len(line) + 1 for line in whole)
        for line in whole:
            if (entry := _entry(line)) is not None:
                self._found.setdefault(*entry)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Lock the file against other processes, then read the answers that they have added.

        Raises:
            FecbenchError: the file's folder is not writable.
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
                f"{self.path.parent} must be a writable folder for the answers, but can't be written: {error}; "
                "make the folder writable"
            ) from error
        try:
            self.refresh()
            yield
        finally:
            lock.release()

    def keep(self, key: str, answer: Answer) -> None:
        """Add the answer to the prompt ``key`` and write it to the file at once.

        Raises:
            FecbenchError: the file can't be written.
        """
        with self._lock:
            # The file first: an answer that was used but isn't stored would be paid for again.
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
                f"{self.path} can't be written: {error}; free disk space (earlier answers are kept)"
            ) from error


def _acquire(lock: FileLock) -> None:
    """Wait for ``lock``, with a message if it takes more than a second."""
    try:
        lock.acquire(timeout=1)
    except Timeout:
        click.echo(f"waiting for another process that asks the same model ({lock.lock_file})", err=True)
        lock.acquire()


def _line_end(path: Path, size: int) -> str:
    """Return a newline if the last line was cut off by a kill, else ``""``."""
    if size == 0:
        return ""
    with path.open("rb") as file:
        file.seek(size - 1)
        return "" if file.read() == b"\n" else "\n"


def _entry(line: bytes) -> tuple[str, Answer] | None:
    """Parse a line into the prompt's hash and the answer; None for any other line."""
    try:
        return str(json.loads(line)["prompt"]), _ANSWER.validate_json(line, strict=True)
    except (ValueError, KeyError, TypeError):
        return None
