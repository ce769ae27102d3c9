"""Render a board as CSV: a line for each method, data set and metric, with unrounded numbers."""

from __future__ import annotations

import csv
from io import StringIO
from typing import TYPE_CHECKING, Any

from fecbench.core.text import inline
from fecbench.results.leaderboard.board import CONDITIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fecbench.results.leaderboard.board import Board, Column, Table


FIELDS = (
    "origin",
    "dataset",
    "fingerprint",
    "method",
    "objective",
    *CONDITIONS,
    "metric",
    "mean",
    "std",
    "seeds",
    "scores",
    "group",
    "place",
    "gain",
    "p_holm",
    "missing",
    "better",
)

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # spreadsheet programs take a cell that begins so for a formula


def csv_lines(board: Board) -> str:
    """Return the board as CSV with a header line.

    Scores and gains are fractions, except for metrics with another unit, such as nats. ``better`` is ``lower`` where
    lower scores are better, else ``higher``. ``seeds`` and ``scores`` are lists in the same order, separated by spaces;
    in a cross-validation a seed is followed by its fold, as 0/2. Ranks (``place``), gains and p-values hold within a
    group of a data set's rows: those of equal encoder and budget, or all rows of a spec that declares them. The row of
    the most frequent class has the origin ``computed`` and only a mean. A text that a spreadsheet would take for a
    formula gets an apostrophe in front.
    """
    text = StringIO()
    writer = csv.DictWriter(text, FIELDS, lineterminator="\n")
    writer.writeheader()
    for table in board.tables:
        writer.writerows(_lines(table, "measured"))
    if board.published:
        writer.writerows(_lines(board.published, "published"))
    return text.getvalue()


def _lines(table: Table, origin: str) -> Iterator[dict[str, Any]]:
    gains = {gain.row: gain.values for gain in table.gains}
    for number in range(len(table.rows)):
        for place, column in enumerate(table.columns):
            gain = gains[number][place] if number in gains else None
            yield {"origin": origin, **_row(table, number, column), **_score(table, number, column), "gain": gain}
    yield from _most_frequent(table)


def _most_frequent(table: Table) -> Iterator[dict[str, Any]]:
    row = table.most_frequent
    for column, value in zip(table.columns, row.values, strict=True) if row else ():
        version = table.datasets[column.dataset]
        yield {
            "origin": "computed",
            "dataset": _plain(version.name),
            "fingerprint": version.fingerprint,
            "method": row.name if row else "",
            "metric": _plain(column.metric),
            "mean": value,
            "better": better(column),
        }


def _row(table: Table, number: int, column: Column) -> dict[str, Any]:
    row, version = table.rows[number], table.datasets[column.dataset]
    cell = row.cells[column.dataset]
    conditions = {key: cell.settings.get(key) for key in CONDITIONS}
    missing = "; ".join(
        f"seed {gap.seed}: {gap.reason}" if gap.seed is not None else gap.reason for gap in cell.missing
    )
    named = {
        "dataset": version.name,
        "fingerprint": version.fingerprint,
        "method": row.name,
        "objective": row.objective,
    }
    of_column = {"metric": column.metric, "missing": missing, "better": better(column)}
    return {key: _plain(value) for key, value in {**named, **conditions, **of_column}.items()}


def better(column: Column) -> str:
    """Return the direction of better scores, as in a line of CSV."""
    return "lower" if column.lower else "higher"


def _plain(value: Any) -> Any:
    """Return text on one line and safe for spreadsheets; other values unchanged."""
    return _no_formula(inline(value)) if isinstance(value, str) else value


def _no_formula(value: Any) -> Any:
    r"""Return text with an apostrophe in front if a spreadsheet would take it for a formula.

    >>> _no_formula('=HYPERLINK("http://x")'), _no_formula("aml"), _no_formula(-1.5)
    ('\'=HYPERLINK("http://x")', 'aml', -1.5)
    >>> [_no_formula(first + "1")[0] for first in FORMULA] == ["'"] * 7
    True
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value  # numbers can be negative


def _score(table: Table, number: int, column: Column) -> dict[str, Any]:
    score = table.score(number, column)
    if score is None:
        return {}
    place = "best" if number in column.best else "second" if number in column.second else ""
    corrected = [comparison.holm for comparison in column.comparisons if comparison.other == number]
    return {
        "mean": score.mean,
        "std": score.std,
        "seeds": " ".join(map(str, score.seeds)),
        "scores": " ".join(map(str, score.seeds.values())),
        "group": column.group(number),
        "place": place,
        "p_holm": corrected[0] if corrected else None,
    }
