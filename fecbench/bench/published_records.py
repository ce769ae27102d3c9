"""Find published records, for example of another machine, that a benchmark counts as its own runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fecbench.core.errors import RunError, UsageError
from fecbench.runs.find import records_under
from fecbench.runs.predictions import read_predictions, read_validation
from fecbench.runs.record import PREDICTIONS, VALIDATION, Record

if TYPE_CHECKING:
    from pathlib import Path


def complete_records(folder: Path) -> tuple[dict[str, Record], tuple[str, ...]]:
    """Return the complete records under ``folder`` by folder name, and the reasons why others don't count.

    A record counts if its files have the digests in its ``result.json``.

    Raises:
        UsageError: the folder doesn't exist.
    """
    if not folder.is_dir():
        raise UsageError(f"--done must be a folder of published records, but {folder} isn't a folder; correct the path")
    found, broken = {}, []
    for record in records_under(folder):
        try:
            if record.status == "complete" and _is_whole(record):
                found[record.id] = record
        except RunError as error:
            broken.append(f"not counted as done: {error}")
    return found, tuple(broken)


def _is_whole(record: Record) -> bool:
    """Return True if all files of a record are readable; raise RunError if one was changed after the run."""
    record.history()  # reading a file checks it against its digest
    if (record.folder / PREDICTIONS).exists():
        read_predictions(record)
    if (record.folder / VALIDATION).exists():
        read_validation(record)
    return bool(record.result_file)
