"""Run records at any depth under folders, whole or broken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fecbench.errors import UsageError
from fecbench.runs import under

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from fecbench.runs import Record


def find(places: Iterable[Path]) -> tuple[Record, ...]:
    """Every run that one of ``places`` is or holds; a run that is met twice counts once.

    Raises:
        UsageError: a place is no folder.
    """
    found: dict[Path, Record] = {}
    for place in places:
        if not place.is_dir():
            raise UsageError(f"{place} must be a run's folder or a folder of runs, but there is no such folder; correct the path")
        for record in under(place):
            found.setdefault(record.folder.resolve(), record)
    return tuple(found.values())
