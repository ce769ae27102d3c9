"""Run records: directories that can be moved, published and trusted.

::

    run.json                  settings with origins, data, encoder, versions, fingerprints, device, seed
    history.jsonl             logs and validation scores, one line per event
    encoder/                  architecture and tokenizer, so that the run predicts without its data
    best.safetensors          the best epoch's weights of model and objective
    last.safetensors          the last epoch's weights and optimiser states, until the run is complete
    predictions.safetensors   row, predicted label, correctness and logits of every test row (no texts, no gold labels)
    failure.json              why the last attempt ended early
    result.json               the scores; written last: a run is complete exactly if this file exists
    .lock, .holder            the lock of the process that works on the run, and that process's id and host

Tensors are safetensors, everything else is JSON. Nothing is pickled, no file refers to another, and no file may be a
link to another folder.
"""

from __future__ import annotations

import os
import re
import socket
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from fecbench.core.errors import RunError
from fecbench.core.files import UNFINISHED, contained, read_json, read_tensors, to_disk, write_json, writing
from fecbench.core.settings import DEFAULTS
from fecbench.core.strict_json import loads
from fecbench.runs.digests import SEAL, content_digest, file_digest, result_digest, run_digest, tensor_digest
from fecbench.runs.local_paths import encoder_name
from fecbench.runs.lock_state import is_held
from fecbench.runs.schema import ModelRunFile, ResultFile, RunFile, validated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fecbench.model.encoders.source import EncoderSource


FORMAT = 1
ROOT = Path("runs")
RUN, RESULT, HISTORY, FAILURE, PREDICTIONS = (
    "run.json",
    "result.json",
    "history.jsonl",
    "failure.json",
    "predictions.safetensors",
)
ENCODER, LOCK, HOLDER = "encoder", ".lock", ".holder"
LEFT_BEHIND = {LOCK, HOLDER, ENCODER, HISTORY, FAILURE}  # files of a run that died before it wrote its run.json
DRAFTS = {
    f"{name}{UNFINISHED}"
    for name in (RUN, RESULT, HISTORY, FAILURE, HOLDER, PREDICTIONS, "best.safetensors", "last.safetensors")
}
SAFETENSORS_DRAFT = re.compile(r"\.tmp[A-Za-z0-9]{6}")
LOCK_SECONDS, LOCK_POLL = 1.0, 0.002  # a status holds a shared lock for microseconds: many attempts outlast it


@dataclass(frozen=True)
class Record:
    """A run directory.

    A ``Record`` reads and checks ``run.json`` and ``result.json`` once, at the first access, and keeps their content: a
    run writes each of them once and never changes it. Status, failure and history are read at every access. Make a new
    ``Record``, or call :meth:`reload`, to read files that were edited.
    """

    folder: Path

    @property
    def id(self) -> str:
        """The directory's name."""
        return self.folder.resolve().name

    @property
    def run_file(self) -> RunFile:
        """The content of ``run.json``.

        Raises:
            RunError: the file is missing, broken or of another format.
        """
        return self._run[1]

    @property
    def result_file(self) -> ResultFile:
        """The content of ``result.json``.

        Raises:
            RunError: the file is missing, broken, edited or of another run than ``run.json``.
        """
        return self._result[1]

    @property
    def about(self) -> Mapping[str, Any]:
        """The content of ``run.json`` as a mapping, with keys that :attr:`run_file` doesn't know."""
        return self._run[0]

    @property
    def result(self) -> Mapping[str, Any]:
        """The content of ``result.json`` as a mapping, with keys that :attr:`result_file` doesn't know."""
        return self._result[0]

    @cached_property
    def _run(self) -> tuple[dict[str, Any], RunFile]:
        path = self.folder / RUN
        content = read_json(path)
        if content.get("format") != FORMAT:
            raise RunError(
                f"{path} must have format {FORMAT}, found {content.get('format')!r}; read it with the fecbench that "
                "wrote it"
            )
        return content, validated(content, RunFile, path)

    @cached_property
    def _result(self) -> tuple[dict[str, Any], ResultFile]:
        path = self.folder / RESULT
        content = read_json(path)
        result = validated(content, ResultFile, path)
        _check_digest(result, "run", run_digest(self.about), path)
        _check_digest(result, "result", result_digest(content), path)
        return content, result

    def reload(self) -> None:
        """Forget the content of ``run.json`` and ``result.json``; the next access reads the files again."""
        for name in ("_run", "_result"):
            vars(self).pop(name, None)

    def check_part(self, part: str, digest: str, path: Path) -> None:
        """Check the digest of a part of a complete record: ``history``, ``encoder``, ``weights`` or ``predictions``.

        Raises:
            RunError: ``result.json`` has another digest of the part, which is in ``path``.
        """
        _check_digest(self.result_file, part, digest, path)

    @property
    def status(self) -> str:
        """The run's state: ``complete``, ``running``, ``failed``, ``interrupted`` or ``unfinished`` (it was killed)."""
        if (self.folder / RESULT).exists():
            return "complete"
        if self.is_running():
            return "running"
        recorded = self.failure.get("status") if (self.folder / FAILURE).exists() else "unfinished"
        return str(recorded) if recorded in ("interrupted", "unfinished") else "failed"

    def check_complete(self) -> None:
        """Raise RunError if the run isn't complete."""
        status = self.status
        if status != "complete":
            raise RunError(
                f"{self.folder} must be a complete run, but is {status}; finish it with `fecbench run ... --resume`"
            )

    def is_running(self) -> bool:
        """Return True if a process works on the run. The run's exclusive lock is never taken (ADR 18).

        ``.holder`` names the process while it works; its lock tells a living process from one that was killed.
        """
        return (self.folder / HOLDER).exists() and is_held(self.folder / LOCK)

    @property
    def failure(self) -> dict[str, Any]:
        """The content of ``failure.json``; ``{}`` if the file is missing or unreadable."""
        try:
            return read_json(self.folder / FAILURE)
        except RunError:
            return {}

    @property
    def encoder(self) -> Path:
        """The folder of architecture and tokenizer.

        Raises:
            RunError: one of its files leads out of the run's folder.
        """
        for path in (self.folder / ENCODER, *(self.folder / ENCODER).rglob("*")):
            contained(path, self.folder)
        return self.folder / ENCODER

    def inside(self, name: str) -> Path:
        """Return the path of a file or folder of the run.

        Raises:
            RunError: it leads out of the run's folder.
        """
        return contained(self.folder / name, self.folder)

    def settings(self) -> dict[str, Any]:
        """Return the value of every setting; one that is newer than the record has its default, which was in force."""
        return {**DEFAULTS, **{key: setting.value for key, setting in self.run_file.settings.items()}}

    @property
    def limit(self) -> int | None:
        """The run's ``--limit``; None if it left out no training row."""
        limit, dataset = self.settings()["limit"], self.run_file.dataset
        if limit is None:
            return None
        available = dataset.available
        if available is None:  # an older record: as many rows as were read, unless that is the limit
            read = dataset.rows.train if dataset.rows else limit
            available = read if read < limit else limit + 1
        return limit if limit < available else None

    def history(self) -> list[dict[str, Any]]:
        """Return the events of ``history.jsonl``, without lines that a kill cut short or that are no events.

        Raises:
            RunError: the run is complete, and its history was edited.
        """
        path = self.inside(HISTORY)
        if not path.is_file():
            return []
        content, events = path.read_bytes(), []
        if self.status == "complete":
            self.check_part("history", content_digest({HISTORY: content}), path)
        for line in content.decode("utf-8", errors="replace").splitlines():
            try:
                event = loads(line, numbers=False)
            except ValueError:
                continue
            if isinstance(event, dict) and isinstance(event.get("epoch"), int) and "event" in event:
                events.append(event)
        return events

    def lock(self) -> FileLock:
        """Return the run's lock, acquired.

        Raises:
            RunError: another process holds it, or the folder can't be written.
        """
        lock = FileLock(self.folder / LOCK)
        try:
            lock.acquire(timeout=LOCK_SECONDS, poll_interval=LOCK_POLL)
        except Timeout:
            raise RunError(busy(self)) from None
        except OSError as error:
            raise RunError(
                f"{self.folder} can't be written: {error.strerror or error}; choose another --run-dir"
            ) from error
        return lock

    @property
    def holder(self) -> str:
        """The process that holds the lock or held it last, in words."""
        signature = self._signature()
        return f"process {signature['process']} on {signature['host']}" if signature else "another process"

    @property
    def is_claimed(self) -> bool:
        """True if ``.holder`` names a process of fecbench."""
        return bool(self._signature())

    def _signature(self) -> dict[str, Any]:
        """Return the content of ``.holder``; ``{}`` if it is missing or something else."""
        try:
            content = read_json(self.folder / HOLDER)
        except RunError:
            return {}
        return content if content.keys() == {"process", "host"} else {}


def new_folder(name: str, root: Path = ROOT) -> Path:
    """Return the path of a new run: its time, then ``name``."""
    return free(root / f"{datetime.now():%Y%m%d-%H%M%S}-{name}")


def free(folder: Path) -> Path:
    """Return ``folder``, with the first free number appended if it exists."""
    path, number = folder, 2
    while os.path.lexists(path):
        path, number = folder.with_name(f"{folder.name}-{number}"), number + 1
    return path


def busy(record: Record) -> str:
    """Return a message that says which process works on ``record``, and what to do."""
    return f"{record.folder} is being worked on by {record.holder}; wait for it, or choose another --run-dir"


def create(folder: Path) -> Record:
    """Create ``folder`` for a new record and return it.

    The folder may hold what a run left that died before it wrote ``run.json``, if its ``.holder`` claims these files.

    Raises:
        RunError: the folder can't be created, or holds other files.
    """
    try:
        str(folder).encode()  # the name is written into files
        folder.mkdir(parents=True, exist_ok=True)
        strangers = _strangers(folder)
    except (OSError, ValueError) as error:  # a NUL or a byte that isn't UTF-8 is a ValueError
        raise RunError(
            f"{folder} can't be made: {getattr(error, 'strerror', error)}; choose another --run-dir"
        ) from error
    if RUN in strangers:
        found = Record(folder)
        if found.status == "running":
            raise RunError(busy(found))
        raise RunError(
            f"{folder} holds a run already ({found.status}); continue it with --resume, or choose another --run-dir"
        )
    if strangers:
        raise RunError(f"{folder} must be empty, but holds {', '.join(strangers[:3])}; choose another --run-dir")
    return Record(folder)


def _strangers(folder: Path) -> list[str]:
    """Return the names in ``folder`` that aren't fecbench's; ``.holder``, written first, claims a record's names."""
    is_own = _is_left_behind if Record(folder).is_claimed else _is_begun
    return sorted(path.name for path in folder.iterdir() if not is_own(path))


def _is_left_behind(path: Path) -> bool:
    return path.name in LEFT_BEHIND or _is_draft(path)


def _is_begun(path: Path) -> bool:
    """Return True for a file that a run writes before it claims its folder: an empty lock, or half a ``.holder``."""
    plain = path.is_file() and not path.is_symlink()
    return plain and (path.name == f"{HOLDER}{UNFINISHED}" or (path.name == LOCK and not path.stat().st_size))


def _is_draft(path: Path) -> bool:
    """Return True for a half-written file of a record; safetensors gives its drafts names of its own."""
    return (path.name in DRAFTS or bool(SAFETENSORS_DRAFT.fullmatch(path.name))) and not path.is_dir()


def drop_drafts(record: Record) -> None:
    """Remove the half-written files that a killed process left in a run's folder."""
    with writing(record.folder):
        for path in filter(_is_draft, [*record.folder.iterdir()]):
            path.unlink(missing_ok=True)


def sign(record: Record) -> None:
    """Write the lock's holder: the first file of a new record, since it claims those that follow."""
    write_json(record.folder / HOLDER, {"process": os.getpid(), "host": socket.gethostname()})


def leave(record: Record) -> None:
    """Clear the lock's holder file once ``run.json`` claims the folder; delete the folder if the run never started.

    The lock is still held.
    """
    with suppress(OSError):  # a folder that can't be changed: the first attempt to write has raised
        rest = {path.name for path in record.folder.iterdir()} - {LOCK, HOLDER}
        if not rest or RUN in rest:
            (record.folder / HOLDER).unlink(missing_ok=True)
        if not rest:
            (record.folder / LOCK).unlink(missing_ok=True)
            record.folder.rmdir()


def write_encoder(record: Record, source: EncoderSource) -> None:
    """Write ``encoder/`` and flush it to the disk: ``run.json``, which is written next, implies that it is there.

    Raises:
        RunError: it can't be written.
    """
    folder, tokenizer = record.encoder, source.tokenizer
    rules = tokenizer.backend_tokenizer
    rules.no_truncation()  # its last use may have set both; equal runs write equal files
    rules.no_padding()
    defaults = {"truncation_side": "right", "split_special_tokens": False}
    for name, default in defaults.items():
        if getattr(tokenizer, name) != default:
            tokenizer.init_kwargs[name] = getattr(tokenizer, name)  # transformers saves only these
    with writing(folder):
        source.config.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        for path in folder.iterdir():
            to_disk(path)


def write_about(record: Record, about: Mapping[str, Any]) -> None:
    """Write ``run.json``."""
    write_json(
        record.folder / RUN, {"format": FORMAT, "started": datetime.now(UTC).isoformat(timespec="seconds"), **about}
    )


def write_failure(record: Record, status: str, message: str) -> None:
    """Write ``failure.json``."""
    write_json(record.folder / FAILURE, {"status": status, "message": message})


def complete(record: Record, result: Mapping[str, Any]) -> None:
    """Write ``result.json`` with the digests of the other files: from this moment the run is complete."""
    write_json(record.folder / RESULT, {**result, SEAL: _digests(record, result)})
    with writing(record.folder / FAILURE, "remove it by hand: the run is complete"):
        (record.folder / FAILURE).unlink(missing_ok=True)


def _digests(record: Record, result: Mapping[str, Any]) -> dict[str, str]:
    """Return the digests of the parts that an almost complete record has."""
    from fecbench.training.checkpoints import BEST  # imports torch

    folder = record.folder
    digests = {"run": run_digest(record.about), "result": result_digest(result)}
    if (folder / HISTORY).is_file():
        digests["history"] = file_digest(folder / HISTORY)
    if (folder / ENCODER).is_dir():
        digests["encoder"] = encoder_digest(record)
    for part, name in (("weights", BEST), ("predictions", PREDICTIONS)):
        if (folder / name).is_file():
            digests[part] = tensor_digest(read_tensors(folder / name)[0])
    return digests


def encoder_digest(record: Record) -> str:
    """Return the digest of the encoder's architecture and tokenizer. Raises RunError if a file can't be read."""
    folder = record.folder / ENCODER
    try:
        return file_digest(*(path for path in folder.iterdir() if path.suffix in (".json", ".txt", ".model")))
    except OSError as error:
        raise RunError(f"{folder} must hold the run's encoder: {error}; restore it or run it again") from error


def _check_digest(result: ResultFile, part: str, digest: str, path: Path) -> None:
    if result.seal.get(part, digest) != digest:
        raise RunError(
            f"{path} must be as this run wrote it, but was edited since, or is another run's; restore it or delete the "
            "run"
        )


def shown_notes(record: Record) -> list[str]:
    """Return the record's own notes, such as that the run was LIMITED, with the encoder's name in place of its path."""
    run_file, shown = record.run_file, encoder_name(record)
    name = run_file.encoder.name if run_file.encoder else None
    return [note.replace(f"encoder {name} ", f"encoder {shown} ") for note in run_file.notes]


def model_run_file(record: Record) -> ModelRunFile:
    """Return ``run.json`` with all that is needed to build the run's model again.

    Raises:
        RunError: a key is missing; the message names it.
    """
    return validated(record.about, ModelRunFile, record.folder / RUN)
