"""Move the F1 of many labels to tables of their own, with a line for each label and a column for each method."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fecbench.results.leaderboard.extra_scores import CLASS_F1
from fecbench.results.leaderboard.view.columns import with_places

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fecbench.results.leaderboard.board import Column, Table


MOST = 3  # labels of a data set whose F1 stay columns beside the metrics


def with_label_tables(table: Table) -> tuple[Table, ...]:
    """Return the table without the F1 of labels, then a table of these for each data set that has more than ``MOST``.

    A table of which no column is left is left out.
    """
    moved = [
        places for dataset in range(len(table.datasets)) if len(places := _labels_of(table.columns, dataset)) > MOST
    ]
    gone = {place for places in moved for place in places}
    kept = [place for place in range(len(table.columns)) if place not in gone]
    by_label = tuple(_label_table(table, places) for places in moved)
    if kept or not gone:
        return (with_places(table, kept), *by_label)
    # No other table is left to have the notes.
    return (replace(by_label[0], notes=table.notes, short_notes=table.short_notes), *by_label[1:])


def _labels_of(columns: Sequence[Column], dataset: int) -> list[int]:
    """Return the places of the columns with the F1 of a label of a data set."""
    return [
        place
        for place, column in enumerate(columns)
        if column.dataset == dataset and column.metric.startswith(f"{CLASS_F1}:")
    ]


def _label_table(table: Table, places: Sequence[int]) -> Table:
    """Return the table of some columns of one data set, without ranks, gains and notes, which the other table has."""
    dataset = table.columns[places[0]].dataset
    # A table of one data set tells its versions apart in the title.
    where = table.title if len(table.datasets) == 1 else table.datasets[dataset].name
    return replace(
        table,
        title=f"F1 of each label on {where}",
        datasets=(table.datasets[dataset],),
        columns=tuple(replace(table.columns[place], dataset=0) for place in places),
        rows=tuple(replace(row, cells=(row.cells[dataset],)) for row in table.rows),
        gains=(),
        notes=(),
        short_notes=(),
        most_frequent=None,
        ranks=(),
        ranked_by="",
        by_label=True,
    )
