"""Titles and captions of figures, broken into lines that fit their width."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LETTER = 0.6  # mean width of a letter, as a share of the size of the type
TITLE, CAPTION = 8, 7  # sizes of type in points


def wrapped(text: str, width: float, size: float = TITLE) -> str:
    r"""Return ``text`` with line breaks, so that its lines fit a width in inches at a size of type in points.

    >>> wrapped("aml on demo, seed 0\ntest", 0.85)
    'aml on demo,\nseed 0\ntest'
    """
    letters = max(1, int(72 * width / (LETTER * size)))
    return "\n".join(line if len(line) <= letters else fill(line, letters) for line in text.splitlines())


def add_title(figure: Figure, text: str) -> None:
    """Add a title that fits the width of the figure, its text taken literally."""
    figure.suptitle(wrapped(text, figure.get_figwidth()), fontsize=TITLE, parse_math=False)


def add_caption(figure: Figure, text: str) -> None:
    """Add a caption below the panels that fits the width of the figure, its text taken literally."""
    figure.supxlabel(wrapped(text, figure.get_figwidth(), CAPTION), fontsize=CAPTION, parse_math=False)
