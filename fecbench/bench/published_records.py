"""Complete records that were published from elsewhere, such as another machine, for a benchmark to count as its own runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fecbench.core.errors import RunError, UsageError
from fecbench.runs.find import records_under
from fecbench.runs.predictions import read_predictions
from fecbench.runs.record import PREDICTIONS, Record

if TYPE_CHECKING:
    from pathlib import Path


def complete_records(folder: Path) -> tuple[dict[str, Record], tuple[str, ...]]:
    """Return the complete records under ``folder`` by the names of their folders, and why others don't count.

    A record counts if its files have the digests that its result gives.

    Raises:
        UsageError: there is no such folder.
    """
    if not folder.is_dir():
        raise UsageError(
            f"--done must be a folder of published records, but there is no folder {folder}; correct the path"
        )
    found, broken = {}, []
    for record in records_under(folder):
        try:
            if record.status == "complete" and _is_whole(record):
                found[record.id] = record
        except RunError as error:
            broken.append(f"not counted as done: {error}")
    return found, tuple(broken)


def _is_whole(record: Record) -> bool:
    """Return True if the record's files are those it was completed with. Raises RunError if one isn't."""
    record.history()
    if (record.folder / PREDICTIONS).exists():
        read_predictions(record)
    return bool(record.result_file)
