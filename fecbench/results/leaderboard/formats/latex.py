"""Render a board in LaTeX in the style of the AML paper's Table 2, with the package booktabs."""

from __future__ import annotations

import re
from itertools import accumulate
from typing import TYPE_CHECKING

from fecbench.results.leaderboard.formats import layout
from fecbench.results.shown_metrics import arrow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fecbench.results.leaderboard.board import Board, Gain, Table
    from fecbench.results.leaderboard.formats.layout import Text


SIGNS = {
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    # without braces, a preceding \\, \midrule or \item would take these for its arguments
    **{sign: f"{{{sign}}}" for sign in "[]*"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "±": r"$\pm$",
    "Δ": r"$\Delta$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "†": r"$^\dagger$",
    "‡": r"$^\ddagger$",
    "–": r"\textendash{}",  # noqa: RUF001  an en dash is meant
    "’": "'",  # noqa: RUF001  the typographic sign is meant
}
# characters that TeX would join with the next one: the two hyphens of an option must not become a dash
LIGATURE = re.compile(r"([-`',])(?=\1)|[?!](?=`)")
# \resizebox is of the package graphicx; without it a wide table extends into the margin
FIT = (
    r"\providecommand{\fecbenchfit}[1]{\ifdefined\resizebox"
    r"\resizebox{\ifdim\width>\textwidth\textwidth\else\width\fi}{!}{#1}\else#1\fi}"
)


def latex(board: Board) -> str:
    r"""Return the board as LaTeX: a ``table*`` for each table, to be included with ``\usepackage{booktabs}``.

    With ``\usepackage{graphicx}`` a table that is wider than the text is shrunk to its width.
    """
    title = " ".join(board.title.split())
    head = rf"% {title}: needs \usepackage{{booktabs}}; with \usepackage{{graphicx}} wide tables shrink to the text"
    tables = [_table(heading, table, board.notes) for heading, table in layout.tables(board)]
    return "\n\n".join([f"{head}\n{FIT}", *tables]) + "\n"


def _table(heading: str, table: Table, notes: Sequence[str]) -> str:
    heads = layout.heads(table)
    caption, *legend = layout.legend(table)
    last = [*(_gain(table, gain, len(heads)) for gain in table.gains), *_most_frequent(table)]
    if last:
        last = [r"\midrule", *last]
    return "\n".join(
        [
            r"\begin{table*}[t]",
            r"\centering\small\setlength{\tabcolsep}{4pt}",
            rf"\fecbenchfit{{\begin{{tabular}}{{{'l' * len(heads)}{'c' * len(table.columns)}}}",
            r"\toprule",
            *_head(table, heads),
            r"\midrule",
            *(_row(table, number) for number in range(len(table.rows))),
            *last,
            r"\bottomrule",
            r"\end{tabular}}",
            rf"\caption{{{escape(f'{heading}. {caption}')}}}",
            *(rf"\par\footnotesize\raggedright {escape(note)}\par" for note in (*legend, *notes)),
            r"\end{table*}",
        ]
    )


def _row(table: Table, number: int) -> str:
    return _line([*map(escape, layout.about(table, table.rows[number])), *map(_score, layout.line(table, number))])


def _gain(table: Table, gain: Gain, heads: int) -> str:
    """Return a Δ row. If it is the only one, its long name may extend over the columns of encoder and budget."""
    about, values = layout.gain_line(table, gain)
    if len(table.gains) == 1:
        return _line([rf"\multicolumn{{{heads}}}{{l}}{{{escape(about[0])}}}", *map(escape, values)])
    return _line([*map(escape, about), *map(escape, values)])


def _most_frequent(table: Table) -> list[str]:
    line = layout.most_frequent_line(table)
    return [_line([*map(escape, line[0]), *map(escape, line[1])])] if line else []


def _head(table: Table, heads: Sequence[str]) -> list[str]:
    """Return the lines of the head: data sets, a rule under each data set, and their metrics."""
    widths = [sum(column.dataset == number for column in table.columns) for number in range(len(table.datasets))]
    starts = accumulate(widths, initial=len(heads) + 1)
    groups = [
        rf"\multicolumn{{{width}}}{{c}}{{{escape(version.name)}}}"
        for width, version in zip(widths, table.datasets, strict=True)
    ]
    rules = [rf"\cmidrule(lr){{{start}-{start + width - 1}}}" for start, width in zip(starts, widths, strict=False)]
    labels = [escape(f"{column.label} {arrow(column.lower)}") for column in table.columns]
    return [_line([*[""] * len(heads), *groups]), " ".join(rules), _line([*map(escape, heads), *labels])]


def _line(cells: Sequence[str]) -> str:
    return rf"{' & '.join(cells)} \\"


def _score(text: Text) -> str:
    figures = escape(text.text)
    styled = rf"\textbf{{{figures}}}" if text.best else rf"\underline{{{figures}}}" if text.second else figures
    return styled + escape(text.marks)


def escape(text: str) -> str:
    r"""Escape ``text`` for LaTeX, on one line. A character that pdflatex can't set becomes a question mark.

    >>> escape("k_pos 5 & 8%")
    'k\\_pos 5 \\& 8\\%'
    """
    plain = " ".join(text.split())
    signs = "".join(SIGNS.get(sign) or (sign if sign.isprintable() and ord(sign) < 256 else "?") for sign in plain)
    return LIGATURE.sub(r"\g<0>{}", signs)
