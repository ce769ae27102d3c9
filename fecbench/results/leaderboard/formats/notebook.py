"""Render a board as the HTML that a notebook shows."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from fecbench.results.leaderboard.formats import layout
from fecbench.results.leaderboard.formats.sheet import sheet

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fecbench.results.leaderboard.board import Board, Table
    from fecbench.results.leaderboard.formats.layout import Text


def notebook(board: Board) -> str:
    """Return the board as HTML without styles of its own: its tables with ranks and short notes."""
    from fecbench.results.leaderboard.view.view import View

    shown = View(notes="short", by_label=True).of(board)
    tables = "".join(_table(heading, table) for heading, table in layout.tables(shown))
    return f"<div><p><b>{escape(shown.title)}</b></p>{tables}{_notes(shown.notes)}</div>"


def _table(heading: str, table: Table) -> str:
    texts = sheet(table)
    head = _line("th", map(escape, (*texts.heads, *texts.columns)))
    rows = [_line("td", [*map(escape, about), *map(_score, scores)]) for about, scores in texts.lines]
    rows += [_line("td", map(escape, (*about, *values))) for about, values in layout.last_lines(table)]
    body = f"<table><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>"
    return f"<p>{escape(heading)}</p>{body}{_notes(layout.legend(table))}"


def _line(tag: str, cells: Iterable[str]) -> str:
    return f"<tr>{''.join(f'<{tag}>{cell}</{tag}>' for cell in cells)}</tr>"


def _score(text: Text) -> str:
    words = escape(text.text)
    styled = f"<b>{words}</b>" if text.best else f"<u>{words}</u>" if text.second else words
    return f"{styled} {escape(text.marks)}" if text.marks else styled


def _notes(lines: Iterable[str]) -> str:
    return "".join(f"<div><small>{escape(line)}</small></div>" for line in lines)
