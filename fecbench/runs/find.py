"""Find run records under folders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fecbench.core.errors import RunError, UnknownName, UsageError
from fecbench.core.files import UNFINISHED
from fecbench.core.paths import expanded
from fecbench.runs.record import ROOT, RUN, Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def find_records(folders: Iterable[Path]) -> tuple[Record, ...]:
    """Return every run at or under ``folders``, each once.

    Raises:
        UsageError: one of them is no folder.
    """
    found: dict[Path, Record] = {}
    for folder in folders:
        check_folder(folder)
        for record in records_under(folder):
            found.setdefault(record.folder.resolve(), record)
    return tuple(found.values())


def check_folder(folder: Path) -> None:
    """Check that a folder exists, as those of runs that a user names must.

    Raises:
        UsageError: there is none.
    """
    if not folder.is_dir():
        raise UsageError(
            f"{folder} must be a run's folder or a folder of runs, but there is no such folder; correct the path"
        )


def all_records(*folders: Path) -> Iterator[Record]:
    """Yield all runs at or under ``folders`` (default: ``runs``), at any depth, newest first."""
    oldest_first = newest_first(record for folder in folders or (ROOT,) for record in records_under(folder))[::-1]
    while oldest_first:
        yield oldest_first.pop()  # not kept here: a record keeps what it read


def newest_first(records: Iterable[Record]) -> list[Record]:
    """Return ``records`` by the time at which they were begun, the newest first."""
    return sorted(records, key=_begun, reverse=True)


def records_under(folder: Path) -> Iterator[Record]:
    """Yield all runs at or under ``folder``, at any depth, by path, without interrupted copies (``*.unfinished``)."""
    for path in sorted(folder.rglob(RUN)):
        if path.parent.suffix != UNFINISHED:
            yield Record(path.parent)


def _begun(record: Record) -> tuple[str, int]:
    """Return a sort key: the start time in a run's record, then the time of its file. A broken record is the oldest.

    The record's own time comes first because the files of a copy are newer than the run.
    """
    try:
        started = record.run_file.started
    except RunError:
        started = ""
    return started, (record.folder / RUN).stat().st_mtime_ns


def readable_records(*folders: Path) -> Iterator[Record]:
    """Yield the runs at or under ``folders`` (default: ``runs``) whose ``run.json`` isn't broken, newest first."""
    yield from filter(is_readable, all_records(*folders))


def is_readable(record: Record) -> bool:
    """Return True if the record's ``run.json`` isn't broken."""
    try:
        return bool(record.run_file and record.status)
    except RunError:
        return False


def find_run(reference: str, root: Path = ROOT) -> Record:
    """Return the run that ``reference`` names: a folder, an id under ``root``, or a method.

    A method stands for its newest complete run.

    Raises:
        UnknownName: no run has that name.
        UsageError: ``root`` is no folder; the default one may be missing before the first run.
    """
    folder = Path(expanded(reference))
    if (folder / RUN).is_file():
        return Record(folder)
    if root != ROOT:
        check_folder(root)
    records = list(all_records(root))
    for record in records:
        if record.id == reference:
            return record
    complete_runs = [record for record in records if is_readable(record) and record.status == "complete"]
    for record in complete_runs:
        if record.run_file.objective.name == reference:
            return record
    known = [
        *(record.id for record in records),
        *{record.run_file.objective.name for record in complete_runs},
    ]
    raise UnknownName("run", reference, known, where=f"or method with a complete run under {root}")
