"""Render a board in LaTeX in the style of the AML paper's Table 2, with the package booktabs."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from fecbench.results import latex as tex
from fecbench.results.latex import escape, line
from fecbench.results.leaderboard.formats import layout
from fecbench.results.leaderboard.formats.sheet import sheet
from fecbench.results.shown_metrics import arrow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fecbench.results.leaderboard.board import Board, Gain, Table
    from fecbench.results.leaderboard.formats.layout import Text
    from fecbench.results.leaderboard.formats.sheet import Sheet


MOST_COLUMNS = 5  # of a table in one column of a page, that of the methods included


def latex(board: Board) -> str:
    r"""Return the board as LaTeX: a table for each of its own, to be included with ``\usepackage{booktabs}``.

    A table with few columns takes one column of a two-column page, others both (``table*``). With
    ``\usepackage{graphicx}`` a table that is larger than its place is shrunk to it.
    """
    tables = [_table(board, heading, table, n) for n, (heading, table) in enumerate(layout.tables(board))]
    return "\n\n".join([tex.head(board.title), *tables]) + "\n"


def _table(board: Board, heading: str, table: Table, number: int) -> str:
    texts = sheet(table)
    caption, *legend = layout.legend(table)
    if board.caption:
        legend = legend if table.shown_notes == "none" else [caption, *legend]
        caption = board.caption if len(list(layout.tables(board))) == 1 else f"{board.caption} ({heading})"
    else:
        caption = f"{heading}. {caption}"
    return tex.table(
        "l" * len(texts.heads) + "c" * len(texts.columns),
        _body(table, texts),
        escape(caption),
        notes=[escape(note) for note in (*legend, *board.notes)],
        label=board.label if number == 0 or not board.label else f"{board.label}-{number + 1}",
        wide=len(texts.heads) + len(texts.columns) > MOST_COLUMNS,
    )


def _body(table: Table, texts: Sheet) -> list[str]:
    ahead = [gain for gain in table.gains if any(value is not None for value in gain.values)]
    last = [*(_gain(table, gain, len(texts.heads)) for gain in ahead), *_most_frequent(table)]
    rule = [r"\midrule"] if last else []
    return [*_head(table, texts), r"\midrule", *_rows(table, texts), *rule, *last]


def _rows(table: Table, texts: Sheet) -> Iterator[str]:
    """Yield the rows, with some space between groups of different encoders and budgets."""
    for number, (about, scores) in enumerate(texts.lines):
        if number in layout.starts(table):
            yield r"\addlinespace"
        yield line([*map(escape, about), *map(_score, scores)])


def _gain(table: Table, gain: Gain, heads: int) -> str:
    """Return a Δ row. If it is the only one, its long name may extend over the columns of encoder and budget."""
    about, values = layout.gain_line(table, gain)
    if len(table.gains) == 1:
        return line([rf"\multicolumn{{{heads}}}{{l}}{{{escape(about[0])}}}", *map(escape, values)])
    return line([*map(escape, about), *map(escape, values)])


def _most_frequent(table: Table) -> list[str]:
    texts = layout.most_frequent_line(table)
    return [line([*map(escape, texts[0]), *map(escape, texts[1])])] if texts else []


def _head(table: Table, texts: Sheet) -> list[str]:
    """Return the lines of the head: data sets, a rule under each data set, and their metrics; or labels and methods."""
    if table.by_label:
        return [line(map(escape, (*texts.heads, *texts.columns)))]
    widths = [sum(column.dataset == number for column in table.columns) for number in range(len(table.datasets))]
    starts = accumulate(widths, initial=len(texts.heads) + 1)
    groups = [
        rf"\multicolumn{{{width}}}{{c}}{{{escape(version.name)}}}"
        for width, version in zip(widths, table.datasets, strict=True)
        if width
    ]
    rules = [
        rf"\cmidrule(lr){{{start}-{start + width - 1}}}" for start, width in zip(starts, widths, strict=False) if width
    ]
    labels = [escape(f"{column.label} {arrow(column.lower)}") for column in table.columns]
    return [line([*[""] * len(texts.heads), *groups]), " ".join(rules), line([*map(escape, texts.heads), *labels])]


def _score(text: Text) -> str:
    figures = escape(text.text)
    styled = rf"\textbf{{{figures}}}" if text.best else rf"\underline{{{figures}}}" if text.second else figures
    return styled + escape(text.marks)
