"""Tell data sets with one label a text from those with several, since their scores are never in one table."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from fecbench.core.errors import FecbenchError
from fecbench.data.datasets.dataset import DatasetInfo
from fecbench.runs.defaults import dataset_info

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fecbench.data.datasets.dataset import Labelling
    from fecbench.results.leaderboard.board import DatasetVersion, Row
    from fecbench.results.leaderboard.run import Run


def labellings_of(datasets: Sequence[DatasetVersion], runs: Sequence[Run]) -> tuple[Labelling, ...]:
    """Return the labelling of each data set: by its runs, or without any by what is known of the data set.

    One's own data without any run counts as the first data set whose labelling is known.
    """
    known: dict[str, Labelling] = {name: run.labelling for run in runs for name in (run.dataset, run.fingerprint)}
    found = [known.get(one.fingerprint) or known.get(one.name) or _declared(one.name) for one in datasets]
    first: Labelling = next(filter(None, found), "single")
    return tuple(labelling or first for labelling in found)


def _declared(dataset: str) -> Labelling | None:
    """Return the labelling of a registered data set; None for others."""
    with suppress(FecbenchError):  # a broken plugin: its runs are missing, which the table says
        info = dataset_info(dataset)
        return info.labelling if isinstance(info, DatasetInfo) else None
    return None


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
