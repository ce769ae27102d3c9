"""The complete runs under folders, and notes on the others."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from fecbench.core.errors import RunError
from fecbench.core.text import shortened
from fecbench.runs.find import all_records

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fecbench.runs.record import Record


def complete_runs(folders: Sequence[Path], plot: str) -> tuple[list[Record], list[str]]:
    """Return the complete runs at or under ``folders``, newest first, and notes on the runs that are left out.

    Args:
        folders: the folders.
        plot: what they are for, such as "a sensitivity plot".

    Raises:
        RunError: there is no complete run.
    """
    # By folder, because one of `folders` can lie within another.
    by_folder = {record.folder.resolve(): record for folder in folders for record in all_records(folder)}
    kinds: dict[str, list[Record]] = defaultdict(list)
    for record in by_folder.values():
        kinds[_kind(record)].append(record)
    records, notes = kinds["complete"], _notes(kinds)
    if not records:
        names, reasons = ", ".join(map(str, folders)), "".join(f" ({note})" for note in notes)
        raise RunError(f"{plot} needs complete runs, but {names} holds none{reasons}; run some or give another folder")
    records.sort(key=lambda record: record.run_file.started, reverse=True)
    return records, notes


def _kind(record: Record) -> str:
    """Return ``complete``, ``unfinished`` or ``broken``. An unreadable record must not stop the plot of the others."""
    try:
        return "complete" if record.run_file and record.status == "complete" and record.result_file else "unfinished"
    except RunError:
        return "broken"


def _notes(kinds: dict[str, list[Record]]) -> list[str]:
    notes = []
    if kinds["unfinished"]:
        notes.append(f"runs left out because they are not complete: {len(kinds['unfinished'])}")
    if kinds["broken"]:
        broken = shortened([record.id for record in kinds["broken"]])
        notes.append(f"runs left out because their records are broken: {broken}")
    return notes
