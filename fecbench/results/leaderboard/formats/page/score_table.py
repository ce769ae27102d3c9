"""The table of scores, cell by cell, with what a reader can sort by and what a mark means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fecbench.results.leaderboard.formats import layout
from fecbench.results.leaderboard.formats.page.row_names import names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fecbench.results.leaderboard.board import Column, Comparison, Table
    from fecbench.results.leaderboard.formats.layout import Text


@dataclass(frozen=True)
class Figure:
    """A score as it stands in the table.

    Attributes:
        text: figures and marks.
        value: what it is sorted by; None where there is no score.
        tip: what its mark says, in words; empty without one.
    """

    text: Text
    value: float | None
    tip: str


@dataclass(frozen=True)
class Line:
    """A row: what is said of the method, then its scores."""

    about: list[str]
    figures: list[Figure]


@dataclass(frozen=True)
class Test:
    """A comparison in words: the column, both rows, and either the p-values or why there are none."""

    column: str
    best: str
    other: str
    comparison: Comparison


@dataclass(frozen=True)
class ScoreTable:
    """A table as it stands.

    Attributes:
        groups: data sets with their numbers of columns; none where the heading names the only one.
        heads: headings of what is said of a row, ``labels`` those of its scores.
        lines: methods.
        gains: last rows: what is said of them, and their values.
        caption: what the figures are; ``legend`` is what stands under the table, ``best`` what its best rows are called.
        tests: every comparison of the best of a column with another row.
    """

    groups: list[tuple[str, int]]
    heads: list[str]
    labels: list[str]
    lines: list[Line]
    gains: list[tuple[list[str], list[str]]]
    caption: str
    legend: list[str]
    best: str
    tests: list[Test]

    @property
    def marked(self) -> bool:
        """Whether any score has a mark, for which all then keep room."""
        return any(figure.text.marks for line in self.lines for figure in line.figures)


def score_table(table: Table) -> ScoreTable:
    """Return the score table of a board's table."""
    widths = [sum(column.dataset == number for column in table.columns) for number in range(len(table.datasets))]
    groups = [(version.name, width) for version, width in zip(table.datasets, widths, strict=True) if len(widths) > 1]
    caption, *legend = layout.legend(table)
    return ScoreTable(
        groups=groups,
        heads=layout.heads(table),
        labels=[column.label for column in table.columns],
        lines=[Line(layout.about(table, row), _figures(table, number)) for number, row in enumerate(table.rows)],
        gains=[layout.gain_line(table, gain) for gain in table.gains],
        caption=caption,
        legend=legend,
        best=layout.best(table),
        tests=_tests(table),
    )


def _figures(table: Table, number: int) -> list[Figure]:
    called, found = names(table), []
    for column, text in zip(table.columns, layout.line(table, number), strict=True):
        score = table.score(number, column)
        found.append(Figure(text, score.mean if score else None, _tip(table, column, number, called)))
    return found


def _tip(table: Table, column: Column, number: int, called: Sequence[str]) -> str:
    tips = [
        _better(called[pair.best], pair) for pair in column.comparisons if pair.other == number and pair.significant
    ]
    return " ".join([*tips, table.rows[number].cells[column.dataset].footnote]).strip()


def _better(best: str, pair: Comparison) -> str:
    return (
        f"{best} is significantly better: p {p_text(pair.p_examples)} over {pair.examples:,} test examples, "
        f"p {p_text(pair.p_seeds)} over {len(pair.seeds)} seeds; corrected for the column {p_text(pair.holm)}."
    )


def _tests(table: Table) -> list[Test]:
    called = names(table)
    return [
        Test(label, called[pair.best], called[pair.other], pair)
        for label, column in zip(layout.column_names(table), table.columns, strict=True)
        for pair in column.comparisons
    ]


def p_text(p: float | None) -> str:
    """A p-value with its sign; nothing where there is none.

    >>> p_text(0.0421), p_text(0.0002), p_text(None)
    ('= 0.042', '< 0.001', '')
    """
    if p is None:
        return ""
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"
