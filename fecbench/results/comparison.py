"""Check that runs can be compared example by example, and list the settings in which they differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fecbench.core.errors import RunError
from fecbench.runs.predictor import data_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from fecbench.data.datasets.dataset import EmotionData
    from fecbench.runs.record import Record


def difference_note(differing: Mapping[str, Sequence[Any]]) -> str:
    """Return a sentence that lists differing settings; empty if there are none.

    >>> difference_note({"encoder": ["minilm", "scratch"], "limit": [None, 100]})
    'The runs differ in more than the method and its options: encoder (minilm, scratch), limit (none, 100).'
    """
    parts = [
        f"{name} ({', '.join('none' if value is None else str(value) for value in values)})"
        for name, values in differing.items()
    ]
    return f"The runs differ in more than the method and its options: {', '.join(parts)}." if parts else ""


def common_data(records: Sequence[Record], data_dir: Path | None = None) -> EmotionData:
    """Load the rows that all ``records`` were run on.

    Records may number the labels differently, so match labels by name.

    Raises:
        RunError: a run is not complete, its rows differ from those of the first run, or the rows loaded now differ.
        DataNotFound, DataError: the rows are not available.
    """
    first = records[0]
    for record in records:
        record.check_complete()
        if _fingerprint(record) != _fingerprint(first):
            raise RunError(
                f"runs to compare must have the same rows, but {first.folder} has rows of {_rows(first)} and "
                f"{record.folder} of {_rows(record)}; choose runs on one version of a data set"
            )
    return data_of(first, data_dir)  # any of them would do: equal fingerprints mean equal rows


def _fingerprint(record: Record) -> str:
    return record.run_file.dataset.fingerprint


def _rows(record: Record) -> str:
    return f"{record.run_file.dataset.name} (fingerprint {_fingerprint(record)[:12]})"
