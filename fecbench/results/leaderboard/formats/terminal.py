"""Render a board for the terminal with rich, or as plain text of the same layout."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table as RichTable
from rich.text import Text as RichText

from fecbench.core.text import inline
from fecbench.results.leaderboard.formats import layout
from fecbench.results.leaderboard.formats.sheet import sheet

if TYPE_CHECKING:
    from fecbench.results.leaderboard.board import Board, Table
    from fecbench.results.leaderboard.formats.layout import Text


PLAIN_STYLES = ("In *asterisks*", "in _underscores_")  # the look of the best and the second without bold and underline
LONGEST_LINE = 10_000  # characters


def terminal(board: Board) -> str:
    """Return the board as the terminal shows it, as text without styles."""
    text = StringIO()
    plain = Console(file=text, force_terminal=False, color_system=None, highlight=False, markup=False, emoji=False)
    print_board(board, plain)
    return text.getvalue()


def print_board(board: Board, console: Console) -> None:
    """Print the board: the best in bold and the second underlined, or both between signs if it isn't a terminal."""
    _print_line(console, board.title)
    for heading, table in layout.tables(board):
        _print_line(console, "")
        _print_line(console, heading)
        _print_wide(console, _table(table, console.is_terminal))
        for line in layout.legend(table) if console.is_terminal else layout.legend(table, PLAIN_STYLES):
            _print_line(console, line)
    for note in board.notes:
        _print_line(console, "")
        _print_line(console, note)


def _print_line(console: Console, text: str) -> None:
    console.print(inline(text), soft_wrap=True)  # soft_wrap: rich adds no line breaks, so that text can be searched


def _print_wide(console: Console, table: RichTable) -> None:
    """Print a table on whole lines, even if they are longer than the terminal is wide."""
    unlimited = console.options.update(max_width=LONGEST_LINE)
    console.width = max(console.width, Measurement.get(console, unlimited, table).maximum)
    console.print(table, crop=False, soft_wrap=False)


def _table(table: Table, styles: bool) -> RichTable:
    texts = sheet(table)
    rich_table = RichTable(box=None, header_style="bold", pad_edge=False)
    for name in texts.heads:
        rich_table.add_column(inline(name), justify="left", no_wrap=True)
    for name in texts.columns:
        rich_table.add_column(inline(name), justify="right", no_wrap=True)
    for number, (about, scores) in enumerate(texts.lines):
        if number in layout.starts(table):
            rich_table.add_row()
        styled = (_styled(text) if styles else _signed(text) for text in scores)
        rich_table.add_row(*map(inline, about), *styled)
    for about, values in layout.last_lines(table):
        rich_table.add_row(*map(inline, (*about, *values)))
    return rich_table


def _styled(text: Text) -> RichText:
    styled = RichText(text.text, style="bold" if text.best else "underline" if text.second else "")
    return styled.append(f" {text.marks}", style="not bold not underline") if text.marks else styled


def _signed(text: Text) -> str:
    sign = "*" if text.best else "_" if text.second else ""
    signed = f"{sign}{text.text}{sign}"
    return f"{signed} {text.marks}" if text.marks else signed
