"""Write the notes under a table of texts with several labels: on thresholds, and on metrics that no run has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fecbench.results.leaderboard.extra_scores import is_extra
from fecbench.results.shown_metrics import AT_FIXED, WITHOUT_LABEL, figure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fecbench.results.leaderboard.board import Cell, DatasetVersion, Row


def label_set_notes(
    rows: Sequence[Row], datasets: Sequence[DatasetVersion], named: Sequence[str] = ()
) -> Iterator[str]:
    """Yield the notes of a table.

    Labels are given by thresholds from validation rows, but published figures are mostly of one fixed threshold.

    Args:
        rows: the table's rows.
        datasets: the table's data sets.
        named: metrics that were asked for.
    """
    for number, version in enumerate(datasets):
        where = f" on {version.name}" if len(datasets) > 1 else ""
        yield from _of_dataset([(row.name, row.cells[number]) for row in rows], where)
    known = {metric for row in rows for cell in row.cells for metric in cell.scores}
    for metric in named:
        if metric not in known and not is_extra(metric):
            yield f"no run of this table has a score of {metric}, which boards can't compute for several labels a text"


def _of_dataset(cells: Sequence[tuple[str, Cell]], where: str) -> Iterator[str]:
    fixed = [f"{name} {_fixed(cell)}" for name, cell in cells if cell.scores.keys() >= set(AT_FIXED)]
    if fixed:
        yield f"macro F1{where} with a threshold of 0.5 (of 0.3) for every label: {'; '.join(fixed)}"
    empty = [(name, cell.scores.get(WITHOUT_LABEL)) for name, cell in cells]
    without = [f"{name} {figure(score.mean)}" for name, score in empty if score]
    if without:
        yield f"test texts{where} that are given no label, in percent: {'; '.join(without)}"


def _fixed(cell: Cell) -> str:
    half, less = (figure(cell.scores[metric].mean) for metric in AT_FIXED)
    return f"{half} ({less})"
