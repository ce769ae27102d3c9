"""Create the folder of a run, lock it for one process, and leave it tidy."""

from __future__ import annotations

import os
import re
import socket
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from fecbench.core.errors import RunError
from fecbench.core.files import UNFINISHED, read_json, write_json, writing
from fecbench.runs.record import ENCODER, FAILURE, HISTORY, HOLDER, LOCK, PREDICTIONS, RESULT, ROOT, RUN, TABLE, Record

if TYPE_CHECKING:
    from pathlib import Path


LEFT_BEHIND = {LOCK, HOLDER, ENCODER, HISTORY, FAILURE}  # files of a run that died before it wrote its run.json
DRAFTS = {
    f"{name}{UNFINISHED}"
    for name in (RUN, RESULT, HISTORY, FAILURE, HOLDER, PREDICTIONS, TABLE, "best.safetensors", "last.safetensors")
}
SAFETENSORS_DRAFT = re.compile(r"\.tmp[A-Za-z0-9]{6}")
LOCK_SECONDS, LOCK_POLL = 1.0, 0.002  # a status holds a shared lock for microseconds: many attempts outlast it


def new_folder(name: str, root: Path = ROOT) -> Path:
    """Return the path of a new run: its time, then ``name``."""
    return free(root / f"{datetime.now():%Y%m%d-%H%M%S}-{name}")


def free(folder: Path) -> Path:
    """Return ``folder``, with the first free number appended if it exists."""
    path, number = folder, 2
    while os.path.lexists(path):
        path, number = folder.with_name(f"{folder.name}-{number}"), number + 1
    return path


def set_aside(folder: Path) -> None:
    """Rename a run's folder to ``NAME.until-TIME``; nothing is deleted.

    Raises:
        RunError: the folder around it can't be changed.
    """
    # Another process may have renamed it first. `free` adds a number if the name is taken: two processes can do this in
    # one second.
    with writing(folder, "make the folder around it writable"), suppress(FileNotFoundError):
        folder.rename(free(folder.with_name(f"{folder.name}.until-{datetime.now():%Y%m%d-%H%M%S}")))


def busy(record: Record) -> str:
    """Return a message that says which process works on ``record``, and what to do."""
    return f"{record.folder} is being worked on by {_holder(record)}; wait for it, or choose another --run-dir"


def _holder(record: Record) -> str:
    """Return the process that holds the lock or held it last, in words."""
    signature = _signature(record)
    return f"process {signature['process']} on {signature['host']}" if signature else "another process"


def _signature(record: Record) -> dict[str, Any]:
    """Return the process and host in ``.holder``; ``{}`` if the file is missing or not fecbench's."""
    try:
        content = read_json(record.folder / HOLDER)
    except RunError:
        return {}
    return content if content.keys() == {"process", "host"} else {}


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
    is_own = _is_left_behind if _signature(Record(folder)) else _is_begun
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


def acquire(record: Record) -> FileLock:
    """Acquire the run's lock and return it.

    Raises:
        RunError: another process holds it, or the folder can't be written.
    """
    lock = FileLock(record.folder / LOCK)
    try:
        lock.acquire(timeout=LOCK_SECONDS, poll_interval=LOCK_POLL)
    except Timeout:
        raise RunError(busy(record)) from None
    except OSError as error:
        raise RunError(
            f"{record.folder} can't be written: {error.strerror or error}; choose another --run-dir"
        ) from error
    return lock


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
