"""The choices of how a board is shown, and the board that they give (ADR 25)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fecbench.core.errors import UnknownName
from fecbench.core.text import shortened
from fecbench.results.leaderboard.extra_scores import EXTRA, is_cost
from fecbench.results.leaderboard.view.columns import columns_of, with_columns
from fecbench.results.leaderboard.view.label_tables import with_label_tables
from fecbench.results.leaderboard.view.names import with_display_names
from fecbench.results.leaderboard.view.order import ranked, sorted_by_rank

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fecbench.results.leaderboard.board import Board, Notes, Table

FIRST = "first"  # the metric of each table's first column
LATEX = "latex"
READ = ("terminal", "markdown", LATEX)  # formats for readers; the others hold data


@dataclass(frozen=True)
class View:
    """Choices of how a board is shown. Every choice leaves scores and tests as they are.

    Attributes:
        rank_by: the metric that ranks the rows; ``first`` for that of a table's first column, None for no ranks.
        sort: True to order ranked rows by encoder and budget, then by rank; None to do so unless a spec declares them.
        metrics: the metrics to show, in order; empty for all.
        extra: the metrics to show after them; a note names those that no record holds.
        by_label: True to show the F1 of many labels in tables of their own, with a line for each label.
        notes: the lines under a table: ``full``, ``short`` or ``none``.
        display_names: True for the display names of methods and data sets.
        caption: the caption of the LaTeX tables; empty for the tables' own.
        label: the label of the first LaTeX table; empty for none.
    """

    rank_by: str | None = FIRST
    sort: bool | None = None
    metrics: Sequence[str] = ()
    extra: Sequence[str] = ()
    by_label: bool = False
    notes: Notes = "full"
    display_names: bool = False
    caption: str = ""
    label: str = ""

    @classmethod
    def usual(cls, form: str) -> View:
        """Return the choices that a format has by itself: ranks where people read it, a paper's names in LaTeX."""
        read, paper = form in READ, form == LATEX
        return cls(
            rank_by=FIRST if read else None, by_label=read, notes="short" if paper else "full", display_names=paper
        )

    def of(self, board: Board) -> Board:
        """Return the board as it is shown. The published table keeps its order, since it is a copy.

        Raises:
            UnknownName: a metric has a column in no table.
        """
        self._check(board)
        tables = (part for table in board.tables for part in self._parts(self._ranked(self._named(table))))
        return replace(
            board,
            tables=tuple(table for table in tables if table.columns),
            published=self._published(board),
            notes=() if self.notes == "none" else (*board.notes, *self._absent(board)),
            caption=self.caption,
            label=self.label,
        )

    def _published(self, board: Board) -> Table | None:
        """Return the published table as it is shown; None if no column of it is."""
        table = self._chosen(self._named(board.published)) if board.published else None
        return table if table and table.columns else None

    def _check(self, board: Board) -> None:
        known = _metrics(board)
        metrics = (name for name in self.metrics if name not in EXTRA)
        wanted = (*metrics, *((self.rank_by,) if self.rank_by not in (None, FIRST) else ()))
        for name in wanted:
            if name not in known:
                raise UnknownName("metric", str(name), known, where="with a column on the board")

    def _absent(self, board: Board) -> Iterator[str]:
        """Yield a note on extra metrics of which no table has a column."""
        known = _metrics(board)
        absent = [name for name in dict.fromkeys((*self.metrics, *self.extra)) if not any(columns_of([name], known))]
        if absent:
            yield f"left out because no record holds it: {shortened(absent)}"

    def _ranked(self, table: Table) -> Table:
        """Return the table with ranks; unchanged without them, and if it lacks the metric that ranks."""
        if self.rank_by is None:
            return table
        metric = self.rank_by
        if metric == FIRST:
            metric = self._first(table)
        with_ranks = ranked(table, metric)
        in_order = not table.declared if self.sort is None else self.sort
        return sorted_by_rank(with_ranks) if in_order else with_ranks

    def _first(self, table: Table) -> str:
        """Return the first of the chosen metrics that is a column, or that of the first column; "" without columns.

        The F1 of all labels is no such metric: that of the first label ranks nothing. Nor is a cost.
        """
        metrics = [column.metric for column in table.columns if not is_cost(column.metric)]
        wanted = [metric for metric in self.metrics if metric in metrics]
        return next(iter(wanted or metrics), "")

    def _named(self, table: Table) -> Table:
        return with_display_names(table) if self.display_names else table

    def _parts(self, table: Table) -> tuple[Table, ...]:
        """Return the table with its chosen columns, and tables of the F1 of labels."""
        chosen = self._chosen(table)
        return with_label_tables(chosen) if self.by_label else (chosen,)

    def _chosen(self, table: Table) -> Table:
        return replace(with_columns(table, self.metrics, self.extra), shown_notes=self.notes)


def _metrics(board: Board) -> set[str]:
    """Return the metrics that have a column on the board."""
    tables = (*board.tables, *((board.published,) if board.published else ()))
    return {column.metric for table in tables for column in table.columns}
