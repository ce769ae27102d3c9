"""Run records: directories that can be moved, published and trusted.

::

    run.json                  what was asked and where it ran: settings with origins, versions, fingerprints, device, seed
    history.jsonl             logs and validation scores, a line an event
    encoder/                  architecture and tokenizer, so that the run predicts without its data
    best.safetensors          the best epoch's weights of model and objective
    last.safetensors          the last epoch's weights and optimiser states, while the run is unfinished
    predictions.safetensors   row, predicted label, whether it is right, and logits of every test row (no texts, no gold labels)
    failure.json              why the last attempt ended, if it did not end well
    result.json               the scores; it is written last, and a run is complete exactly when it is there

Tensors are safetensors, all else is JSON; nothing is pickled, and no file names another.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from fecbench import schema
from fecbench.atomic import UNFINISHED, read_json, write_json, write_tensors
from fecbench.errors import RunError, UnknownName

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

FORMAT = 1
ROOT = Path("runs")
RUN, RESULT, HISTORY, FAILURE, PREDICTIONS = "run.json", "result.json", "history.jsonl", "failure.json", "predictions.safetensors"
ENCODER, LOCK = "encoder", ".lock"
LEFT_BEHIND = (LOCK, ENCODER, HISTORY, FAILURE)  # by a run that died before its run.json was whole


@dataclass(frozen=True)
class Record:
    """A run directory."""

    folder: Path

    @property
    def id(self) -> str:
        """The directory's name."""
        return self.folder.resolve().name

    @property
    def about(self) -> dict[str, Any]:
        """The content of ``run.json``.

        Raises:
            RunError: it is missing, broken or of another format.
        """
        about = read_json(self.folder / RUN)
        if about.get("format") != FORMAT:
            raise RunError(
                f"{self.folder / RUN} must have format {FORMAT}, found {about.get('format')!r}; read it with the fecbench that wrote it"
            )
        schema.check(about, schema.About, self.folder / RUN)
        return about

    @property
    def result(self) -> dict[str, Any]:
        """The content of ``result.json``. Raises RunError where it is missing or broken."""
        result = read_json(self.folder / RESULT)
        schema.check(result, schema.Result, self.folder / RESULT)
        return result

    @property
    def status(self) -> str:
        """``complete``, ``running``, ``failed``, ``interrupted`` or ``unfinished`` (killed without a word)."""
        if (self.folder / RESULT).exists():
            return "complete"
        if self._is_locked():
            return "running"
        return str(self.failure.get("status", "failed")) if (self.folder / FAILURE).exists() else "unfinished"

    @property
    def failure(self) -> dict[str, Any]:
        """The content of ``failure.json``; nothing where there is none, or a broken one."""
        try:
            return read_json(self.folder / FAILURE)
        except RunError:
            return {}

    def settings(self) -> dict[str, Any]:
        """Every resolved setting's value."""
        return {key: setting["value"] for key, setting in self.about["settings"].items()}

    def history(self) -> list[dict[str, Any]]:
        """The events of ``history.jsonl``; a line torn by a kill, or of another make, is left out."""
        events = []
        path = self.folder / HISTORY
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else ():
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict) and isinstance(event.get("epoch"), int) and "event" in event:
                events.append(event)
        return events

    def lock(self) -> FileLock:
        """The lock of the process that works on this run, acquired.

        Raises:
            RunError: another process holds it.
        """
        lock = FileLock(self.folder / LOCK)
        try:
            lock.acquire(timeout=1)  # somebody may be looking whether it is held
        except Timeout:
            raise RunError(f"{self.folder} is being worked on by another process; wait for it, or choose another --run-dir") from None
        except OSError as error:
            raise RunError(f"{self.folder} can't be written: {error}; choose another --run-dir") from error
        return lock

    def _is_locked(self) -> bool:
        if not (self.folder / LOCK).exists():
            return False
        lock = FileLock(self.folder / LOCK)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            return True
        except OSError:
            return False  # nobody works on what can't be written
        lock.release()
        return False


def new_folder(name: str, root: Path = ROOT) -> Path:
    """A path for a new run: time, then what is run; a number is appended where it is taken."""
    stem = f"{datetime.now():%Y%m%d-%H%M%S}-{name}"
    folder, number = root / stem, 2
    while folder.exists():
        folder, number = root / f"{stem}-{number}", number + 1
    return folder


def create(folder: Path) -> Record:
    """A record in ``folder``, new and empty (or holding only what a run left that died before it began).

    Raises:
        RunError: it can't be made, or holds something else.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        strangers = sorted(path.name for path in folder.iterdir() if path.name not in LEFT_BEHIND and path.suffix != UNFINISHED)
    except OSError as error:
        raise RunError(f"{folder} can't be made: {error.strerror}; choose another --run-dir") from error
    if RUN in strangers:
        raise RunError(f"{folder} holds a run already ({Record(folder).status}); continue it with --resume, or choose another --run-dir")
    if strangers:
        raise RunError(f"{folder} must be empty, but holds {', '.join(strangers[:3])}; choose another --run-dir")
    return Record(folder)


def discard_if_empty(record: Record) -> None:
    """Remove the folder of a run that died before it began."""
    if record.folder.is_dir() and all(path.name == LOCK for path in record.folder.iterdir()):
        (record.folder / LOCK).unlink(missing_ok=True)
        record.folder.rmdir()


def write_about(record: Record, about: Mapping[str, Any]) -> None:
    """Write ``run.json``."""
    write_json(record.folder / RUN, {"format": FORMAT, "started": datetime.now(UTC).isoformat(timespec="seconds"), **about})


def write_failure(record: Record, status: str, message: str) -> None:
    """Write ``failure.json``."""
    write_json(record.folder / FAILURE, {"status": status, "message": message})


def write_predictions(record: Record, logits: Tensor, true: Tensor) -> None:
    """Write the predictions of all test rows, in their order: ``logits [N, C]``, and whether they are right by ``true [N]``.

    A label of -1 is no answer.
    """
    import torch

    from fecbench.evaluation import answers

    predicted = answers(logits)
    found = {"row": torch.arange(len(logits)), "predicted": predicted, "correct": predicted == true, "logits": logits}
    write_tensors(record.folder / PREDICTIONS, found)


def complete(record: Record, result: Mapping[str, Any]) -> None:
    """Write ``result.json``: from this moment the run is complete."""
    write_json(record.folder / RESULT, result)
    (record.folder / FAILURE).unlink(missing_ok=True)


def check_loadable(record: Record) -> None:
    """Whether ``run.json`` tells how the run's model is built. Raises RunError, which names the key, where it doesn't."""
    schema.check(record.about, schema.Loadable, record.folder / RUN)


def everything(root: Path = ROOT) -> Iterator[Record]:
    """All runs at or under ``root``, at any depth, newest first."""
    yield from sorted((Record(path.parent) for path in root.rglob(RUN)), key=_begun, reverse=True)


def _begun(record: Record) -> tuple[str, int]:
    """When a run was begun, as its record says, since copying it makes its files new; a broken record counts as oldest."""
    try:
        started = str(record.about["started"])
    except (RunError, KeyError):
        started = ""
    return started, (record.folder / RUN).stat().st_mtime_ns


def readable(root: Path = ROOT) -> Iterator[Record]:
    """The runs under ``root`` whose record isn't broken, newest first."""
    yield from filter(_is_readable, everything(root))


def _is_readable(record: Record) -> bool:
    try:
        return bool(record.about and record.status)
    except RunError:
        return False


def find_run(reference: str, root: Path = ROOT) -> Record:
    """The run that ``reference`` names: a folder, an id at any depth under ``root``, or a method (its newest complete run).

    Raises:
        UnknownName: there is none.
    """
    if (Path(reference).expanduser() / RUN).is_file():
        return Record(Path(reference).expanduser())
    for record in everything(root):
        if record.id == reference:
            return record
    complete_runs = [record for record in readable(root) if record.status == "complete"]
    for record in complete_runs:
        if record.about["objective"]["name"] == reference:
            return record
    known = [*(record.id for record in everything(root)), *{record.about["objective"]["name"] for record in complete_runs}]
    raise UnknownName(f"run (under {root}, or complete run of a method)", reference, known)
