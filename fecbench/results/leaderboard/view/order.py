"""Rank the rows of a table within their groups, and order them by encoder and budget, then by rank."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fecbench.results.leaderboard.formats.layout import column_names
from fecbench.results.leaderboard.statistics.ranking import exceeds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fecbench.results.leaderboard.board import Column, Table


def ranked(table: Table, metric: str) -> Table:
    """Return the table with the ranks of its rows by the mean score in the first column of ``metric`` with scores.

    Rows of equal means share a rank, up to rounding; the next rank counts them all. A table without such a column is
    returned as it is.
    """
    columns = enumerate(table.columns)
    place = next((place for place, column in columns if column.metric == metric and column.groups), None)
    if place is None:
        return table
    column = table.columns[place]
    means = {number: _mean(table, number, column) for number in range(len(table.rows))}
    ranks: dict[int, int] = {}
    for group in column.groups:
        scores = {number: mean for number in group if (mean := means[number]) is not None}
        ranks |= {number: 1 + sum(exceeds(other, mean) for other in scores.values()) for number, mean in scores.items()}
    return replace(
        table,
        ranks=tuple(ranks.get(number) for number in range(len(table.rows))),
        ranked_by=column_names(table)[place],
    )


def _mean(table: Table, number: int, column: Column) -> float | None:
    """Return the mean score of a row, with its sign changed where lower scores are better."""
    score = table.score(number, column)
    return None if score is None else -score.mean if column.lower else score.mean


def sorted_by_rank(table: Table) -> Table:
    """Return a ranked table with its rows in order: by group, then by rank; rows without a rank keep theirs at the end.

    The groups, which are those of equal encoder and budget, keep their order.
    """
    if not table.ranks:
        return table
    grouping = next(column for name, column in _named(table) if name == table.ranked_by)

    def key(number: int) -> tuple[bool, int, int, int]:
        rank, group = table.ranks[number], grouping.group(number)
        return rank is None, group or 0, rank or 0, number

    return reordered(table, sorted(range(len(table.rows)), key=key))


def _named(table: Table) -> list[tuple[str, Column]]:
    return list(zip(column_names(table), table.columns, strict=True))


def reordered(table: Table, order: Sequence[int]) -> Table:
    """Return the table with its rows in another order; ``order`` has the present number of each row."""
    new = {old: number for number, old in enumerate(order)}
    gains = tuple(replace(gain, row=new[gain.row]) for gain in table.gains)
    return replace(
        table,
        rows=tuple(table.rows[old] for old in order),
        columns=tuple(_renumbered(column, new) for column in table.columns),
        gains=tuple(sorted(gains, key=lambda gain: gain.row)),
        ranks=tuple(table.ranks[old] for old in order) if table.ranks else (),
    )


def _renumbered(column: Column, new: dict[int, int]) -> Column:
    return replace(
        column,
        best=tuple(sorted(new[number] for number in column.best)),
        second=tuple(sorted(new[number] for number in column.second)),
        comparisons=tuple(replace(pair, best=new[pair.best], other=new[pair.other]) for pair in column.comparisons),
        groups=tuple(tuple(sorted(new[number] for number in group)) for group in column.groups),
    )
