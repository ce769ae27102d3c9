"""Runs that are compared example by example: complete, and of the same rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fecbench.core.errors import RunError
from fecbench.runs.predictor import data_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from fecbench.data.datasets.dataset import EmotionData
    from fecbench.runs.record import Record


def difference_note(found: Mapping[str, Sequence[Any]]) -> str:
    """Such differences as a sentence; empty where there are none.

    >>> remark({"encoder": ["minilm", "scratch"], "limit": [None, 100]})
    'The runs differ in more than the method and its options: encoder (minilm, scratch), limit (none, 100).'
    """
    parts = [
        f"{name} ({', '.join('none' if value is None else str(value) for value in values)})"
        for name, values in found.items()
    ]
    return f"The runs differ in more than the method and its options: {', '.join(parts)}." if parts else ""


def common_data(records: Sequence[Record], data_dir: Path | None = None) -> EmotionData:
    """The rows that all of ``records`` were run on. Each record numbers the labels in its own way: match them by name.

    Raises:
        RunError: a run isn't complete, or was run on other rows than the first; or other rows are found now.
        DataNotFound, DataError: the rows aren't to be had.
    """
    first = records[0]
    for record in records:
        if record.status != "complete":
            raise RunError(
                f"{record.folder} must be a complete run, but is {record.status}; finish it with `fecbench run ... --resume`"
            )
        if _fingerprint(record) != _fingerprint(first):
            raise RunError(
                f"runs are compared example by example, so they need the same rows, but {first.folder} is of {_rows(first)} and "
                f"{record.folder} of {_rows(record)}; choose runs of one data set version"
            )
    return data_of(first, data_dir)


def _fingerprint(record: Record) -> str:
    return record.run_file.dataset.fingerprint


def _rows(record: Record) -> str:
    return f"{record.run_file.dataset.name} (fingerprint {_fingerprint(record)[:12]})"
