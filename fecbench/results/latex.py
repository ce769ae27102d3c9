r"""Write text and tables in LaTeX, with the package booktabs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fecbench.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


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
    "–": r"\textendash{}",  # noqa: RUF001  these typographic signs are meant
    "—": r"\textemdash{}",
    "−": "$-$",  # noqa: RUF001
    "…": r"\ldots{}",
    "‘": r"\textquoteleft{}",  # noqa: RUF001
    "’": "'",  # noqa: RUF001
    "“": r"\textquotedblleft{}",
    "”": r"\textquotedblright{}",
    # LaTeX's default encoding of fonts lacks these
    "«": r"$\ll$",
    "»": r"$\gg$",
    **dict.fromkeys("ÐÞðþ", "?"),
}
# characters that TeX would join with the next one: the two hyphens of an option must not become a dash
LIGATURE = re.compile(r"([-`',])(?=\1)|[?!](?=`)")
# \resizebox is of the package graphicx; without it a large table extends beyond its place. A float can't be broken over
# pages: the height leaves a fifth of the page for caption and notes.
FIT = r"""\providecommand{\fecbenchfit}[1]{\ifdefined\resizebox
  \resizebox*{!}{\ifdim\totalheight>0.8\textheight 0.8\textheight\else\totalheight\fi}{%
    \resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{#1}}%
  \else#1\fi}"""
LABEL = re.compile(r"[A-Za-z0-9:._/-]+")


def escape(text: str) -> str:
    r"""Escape ``text`` for LaTeX, on one line. A character that pdflatex can't set becomes a question mark.

    >>> escape("k_pos 5 & 8%")
    'k\\_pos 5 \\& 8\\%'
    """
    plain = " ".join(text.split())
    signs = "".join(SIGNS.get(sign) or (sign if sign.isprintable() and ord(sign) < 256 else "?") for sign in plain)
    return LIGATURE.sub(r"\g<0>{}", signs)


def line(cells: Iterable[str]) -> str:
    r"""Return a line of a table from its escaped cells.

    >>> line(["ce", "41.2"])
    'ce & 41.2 \\\\'
    """
    return rf"{' & '.join(cells)} \\"


def check_label(label: str) -> None:
    r"""Raise UsageError if ``label`` can't be an argument of ``\label``."""
    if label and not LABEL.fullmatch(label):
        raise UsageError(
            f"a label must consist of letters, digits and the signs : . _ / -, but is {label!r}; write for example "
            "tab:results"
        )


def head(title: str) -> str:
    """Return the first lines of a file with tables: a comment with the packages, and the command that fits tables."""
    named = " ".join(title.split())
    needs = r"needs \usepackage{booktabs}; with \usepackage{graphicx} large tables shrink to fit"
    return f"% {named}: {needs}\n{FIT}"


def table(
    columns: str,
    body: Sequence[str],
    caption: str,
    *,
    notes: Sequence[str] = (),
    label: str = "",
    wide: bool = False,
) -> str:
    """Return a floating table.

    Args:
        columns: LaTeX's letters for the columns, such as ``lcc``.
        body: the lines between the first and the last rule.
        caption: the caption, escaped.
        notes: the lines under the table, escaped.
        label: the label; empty for none.
        wide: True for a table over both columns of a page.
    """
    environment = "table*" if wide else "table"
    return "\n".join(
        [
            rf"\begin{{{environment}}}[t]",
            r"\centering\small\setlength{\tabcolsep}{4pt}\renewcommand{\arraystretch}{1.1}",
            rf"\fecbenchfit{{\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            *body,
            r"\bottomrule",
            r"\end{tabular}}",
            rf"\caption{{{caption}}}",
            *([rf"\label{{{label}}}"] if label else []),
            *(rf"\par\footnotesize\raggedright {note}\par" for note in notes),
            rf"\end{{{environment}}}",
        ]
    )
