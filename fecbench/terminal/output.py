"""Print tables for people and JSON for programs."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from fecbench.core.text import CONTROLS, inline
from fecbench.results.shown_metrics import AT_FIXED, BESIDE, MAIN, figure, shown
from fecbench.terminal.echo import echo, echo_document

WIDE = 200  # columns of a line that is written to a file or pipe
LONGEST_LINE = 100_000
WHOLE = 255  # the longest words that stay whole: the limit of file names
NARROW = 10  # columns of text that breaks its lines, at least
GAP = 2  # blanks between columns


def console(stderr: bool = False) -> Console:
    """Return a console that prints text without markup, and with more than 80 columns to a file or pipe."""
    plain: dict[str, Any] = {"stderr": stderr, "highlight": False, "markup": False, "emoji": False}
    out = Console(**plain)
    return out if out.is_terminal else Console(**plain, width=WIDE)


def print_if_watched(line: str) -> None:
    """Print a line on standard error if that is a terminal or a notebook; of several ranks, on the first one.

    Work that may download files gets such a line instead of a bar: two bars would write over each other.
    """
    err = console(stderr=True)
    if (err.is_interactive or err.is_jupyter) and os.environ.get("RANK", "0") == "0":
        err.print(inline(line), soft_wrap=True)


def print_json(content: Any) -> None:
    """Print ``content`` as JSON on standard output."""
    text = json.dumps(content, indent=1, ensure_ascii=False, default=str)
    # Every "\n" here is JSON's own layout: json.dumps escapes those in strings. It leaves some other control
    # characters (U+2028, marks of text direction), which are escaped here.
    lines = text.split("\n")
    echo_document("".join(CONTROLS.sub(lambda sign: f"\\u{ord(sign[0]):04x}", line) + "\n" for line in lines))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], title: str | None = None) -> None:
    """Print a table on standard output; columns of numbers are aligned to the right.

    Columns of single words, such as run ids and scores, stay whole so that they can be copied; the table may become
    wider than a narrow terminal. Other columns break their lines. A file or pipe gets each row on one line.
    """
    if title:
        echo(title)
    table = Table(box=None, header_style="bold", pad_edge=False)
    cells = [[inline(_cell(value)) for value in row] for row in rows]
    least = 0
    for index, column in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[index], int | float) for row in rows)
        least += GAP + _add_column(table, inline(column), [row[index] for row in cells], numeric)
    for row in cells:
        table.add_row(*row)
    out = console()
    unlimited = Measurement.get(out, out.options.update(max_width=LONGEST_LINE), table).maximum
    out.width = max(out.width, least if out.is_terminal else unlimited)
    out.print(table, crop=False)


def _add_column(table: Table, name: str, cells: Sequence[str], numeric: bool) -> int:
    """Add a column to a table and return its least width."""
    longest = max(map(cell_len, [name, *cells]))
    whole = longest <= WHOLE and all(len(cell.split()) < 2 for cell in cells)
    table.add_column(name, justify="right" if numeric else "left", no_wrap=whole, overflow="fold")
    return longest if whole else min(longest, NARROW)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)


def percent(score: float | None) -> str:
    """Return a fraction as a percentage with two decimals; empty for None."""
    return "" if score is None else f"{100 * score:.2f}"


def score_columns(scores: Mapping[str, float]) -> list[str]:
    """Return the metrics' names: the paper's in its order, then any others by name.

    For texts with several labels it returns the main ones and those that not every run has; the record has all.
    """
    from fecbench.training.metrics import MULTI_SHOWN, PRIMARY

    if AT_FIXED[0] in scores:
        main = [name for name in (*MULTI_SHOWN, "nll") if name in scores]
        return [*main, *sorted(scores.keys() - {*MAIN["multi"], *BESIDE})]
    return [*(name for name in PRIMARY if name in scores), *sorted(set(scores) - set(PRIMARY))]


def score_text(name: str, score: float | None) -> str:
    """Return a metric's value as text, a percentage if it is a fraction; empty for None."""
    return "" if score is None else figure(score, shown(name).unit)
