"""The score table of the page, with the values to sort by and the tooltips of the marks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fecbench.results.leaderboard.formats import layout
from fecbench.results.leaderboard.formats.row_names import names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fecbench.results.leaderboard.board import Column, Comparison, Table
    from fecbench.results.leaderboard.formats.layout import Text


@dataclass(frozen=True)
class Figure:
    """A score in the table.

    Attributes:
        text: the text and marks.
        value: the value to sort by; None without a score.
        tip: the tooltip of its mark; empty without a mark.
    """

    text: Text
    value: float | None
    tip: str


@dataclass(frozen=True)
class Line:
    """A row: the texts about the method, then its scores."""

    about: list[str]
    figures: list[Figure]


@dataclass(frozen=True)
class Test:
    """A comparison with names: the column, the best row, the other row, and the comparison."""

    column: str
    best: str
    other: str
    comparison: Comparison


@dataclass(frozen=True)
class ScoreTable:
    """The score table as the page shows it.

    Attributes:
        groups: the data sets with their number of columns; empty for a single data set.
        heads: the headings before the scores.
        labels: the headings of the scores, and the kind of each to sort by (:func:`sort_kind`).
        lines: the rows of the methods.
        gains: the Δ rows: their texts and values.
        most_frequent: the texts and scores of the most frequent class's row; None if there is no such row.
        caption: the caption of the scores.
        legend: the lines under the table.
        best: the words for the best scores.
        tests: every comparison of a column's best with another row.
    """

    groups: list[tuple[str, int]]
    heads: list[str]
    labels: list[tuple[str, str]]
    lines: list[Line]
    gains: list[tuple[list[str], list[str]]]
    most_frequent: tuple[list[str], list[str]] | None
    caption: str
    legend: list[str]
    best: str
    tests: list[Test]

    @property
    def marked(self) -> bool:
        """True if any score has a mark; all scores then reserve space for one."""
        return any(figure.text.marks for line in self.lines for figure in line.figures)


def score_table(table: Table) -> ScoreTable:
    """Return the score table of a board's table."""
    widths = [sum(column.dataset == number for column in table.columns) for number in range(len(table.datasets))]
    groups = [(version.name, width) for version, width in zip(table.datasets, widths, strict=True) if len(widths) > 1]
    caption, *legend = layout.legend(table)
    return ScoreTable(
        groups=groups,
        heads=layout.heads(table),
        labels=[(layout.label(table, column), sort_kind(column)) for column in table.columns],
        lines=[Line(layout.about(table, row), _figures(table, number)) for number, row in enumerate(table.rows)],
        gains=[layout.gain_line(table, gain) for gain in table.gains],
        most_frequent=layout.most_frequent_line(table),
        caption=caption,
        legend=legend,
        best=layout.best(table),
        tests=_tests(table),
    )


def sort_kind(column: Column) -> str:
    """Return the kind of a column to sort by: ``numbers``, or ``least`` where the least is best."""
    return "least" if column.lower else "numbers"


def _figures(table: Table, number: int) -> list[Figure]:
    row_names, figures = names(table), []
    for column, text in zip(table.columns, layout.line(table, number), strict=True):
        score = table.score(number, column)
        figures.append(Figure(text, score.mean if score else None, _tip(table, column, number, row_names)))
    return figures


def _tip(table: Table, column: Column, number: int, row_names: Sequence[str]) -> str:
    tips = [
        _better(row_names[pair.best], pair) for pair in column.comparisons if pair.other == number and pair.significant
    ]
    return " ".join([*tips, table.rows[number].cells[column.dataset].footnote]).strip()


def _better(best: str, pair: Comparison) -> str:
    return (
        f"{best} is significantly better: p {p_text(pair.p_examples)} over {pair.examples:,} test examples, "
        f"p {p_text(pair.p_seeds)} over {layout.counted(pair.seeds)}; corrected for the column {p_text(pair.holm)}."
    )


def _tests(table: Table) -> list[Test]:
    row_names = names(table)
    return [
        Test(label, row_names[pair.best], row_names[pair.other], pair)
        for label, column in zip(layout.column_names(table), table.columns, strict=True)
        for pair in column.comparisons
    ]


def p_text(p: float | None) -> str:
    """Return a p-value with its relation sign; empty for None.

    >>> p_text(0.0421), p_text(0.0002), p_text(None)
    ('= 0.042', '< 0.001', '')
    """
    if p is None:
        return ""
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"
