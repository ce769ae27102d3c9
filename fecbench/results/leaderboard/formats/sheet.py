"""The headings and lines of a table as formats write them: a line for each method, or for each label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fecbench.results.leaderboard.formats import layout
from fecbench.results.leaderboard.formats.row_names import names

if TYPE_CHECKING:
    from fecbench.results.leaderboard.board import Table
    from fecbench.results.leaderboard.formats.layout import Text


@dataclass(frozen=True)
class Sheet:
    """The texts of a table.

    Attributes:
        heads: the headings before the scores.
        columns: the headings of the scores.
        lines: the lines, each the texts before its scores and its scores.
    """

    heads: list[str]
    columns: list[str]
    lines: list[tuple[list[str], list[Text]]]


def sheet(table: Table) -> Sheet:
    """Return the texts of a table: methods by metrics, or labels by methods for the F1 of labels."""
    about = [layout.about(table, row) for row in table.rows]
    scores = [layout.line(table, number) for number in range(len(table.rows))]
    if not table.by_label:
        return Sheet(layout.heads(table), layout.column_names(table), list(zip(about, scores, strict=True)))
    labels = [column.metric.partition(":")[2] for column in table.columns]
    by_label = [[of_row[place] for of_row in scores] for place in range(len(labels))]
    return Sheet(["Label"], names(table), [([label], line) for label, line in zip(labels, by_label, strict=True)])
