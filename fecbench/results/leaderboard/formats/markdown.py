"""Render a board in GitHub's Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fecbench.core.text import escape
from fecbench.results.leaderboard.formats import layout
from fecbench.results.leaderboard.formats.sheet import sheet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fecbench.results.leaderboard.board import Board, Table
    from fecbench.results.leaderboard.formats.layout import Text


def markdown(board: Board) -> str:
    """Return the board as Markdown: a section for each table, the best in bold, the second underlined."""
    parts = [f"# {escape(board.title)}"]
    for heading, table in layout.tables(board):
        parts += [f"## {escape(heading)}", _table(table), _list(layout.legend(table))]
    if board.notes:
        parts.append(_list(board.notes))
    return "\n\n".join(parts) + "\n"


def _table(table: Table) -> str:
    texts = sheet(table)
    lines = [_words((*texts.heads, *texts.columns)), ["---"] * len(texts.heads) + ["---:"] * len(texts.columns)]
    lines += [[*_words(about), *map(_score, scores)] for about, scores in texts.lines]
    lines += [_words(about) + values for about, values in layout.last_lines(table)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _words(texts: Sequence[str]) -> list[str]:
    return [escape(text) for text in texts]


def _score(text: Text) -> str:
    styled = text.text
    if text.best:
        styled = f"**{text.text}**"
    elif text.second:
        styled = f"<ins>{text.text}</ins>"  # GitHub removes <u>
    return f"{styled} {text.marks}" if text.marks else styled


def _list(lines: Sequence[str]) -> str:
    return "\n".join(f"- {escape(line)}" for line in lines)
