"""Tell data sets with one label a text from those with several, since their scores are never in one table."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fecbench.data.datasets.dataset import Labelling
    from fecbench.results.leaderboard.board import DatasetVersion, Row
    from fecbench.results.leaderboard.run import Run


def labellings_of(datasets: Sequence[DatasetVersion], runs: Sequence[Run]) -> tuple[Labelling, ...]:
    """Return the labelling of each data set by its runs; one without any run counts as the first that is known."""
    known: dict[str, Labelling] = {name: run.labelling for run in runs for name in (run.dataset, run.fingerprint)}
    found = [known.get(version.fingerprint) or known.get(version.name) for version in datasets]
    first: Labelling = next(filter(None, found), "single")
    return tuple(labelling or first for labelling in found)


def apart(labellings: Sequence[Labelling]) -> list[list[int]]:
    """Return the numbers of the data sets of each labelling, in the order of the first of each.

    >>> apart(["multi", "single", "multi"]), apart([])
    ([[0, 2], [1]], [])
    """
    kinds = dict.fromkeys(labellings)
    return [[number for number, of in enumerate(labellings) if of == kind] for kind in kinds]


def rows_on(rows: Sequence[Row], numbers: Sequence[int]) -> Iterator[Row]:
    """Yield the rows with their cells on some data sets alone; rows that aren't run on any of these are left out."""
    for row in rows:
        cells = tuple(row.cells[number] for number in numbers)
        if any(cell.runs or cell.missing for cell in cells):
            yield replace(row, cells=cells)
