"""Titles and captions of figures, broken into lines that fit their width."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

from fecbench.core.text import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LETTER = 0.6  # mean width of a letter, as a share of the size of the type
TITLE, CAPTION = 8, 7  # sizes of type in points


def wrapped(text: str, width: float, size: float = TITLE) -> str:
    r"""Return ``text`` with line breaks, so that its lines fit a width in inches at a size of type in points.

    Control characters become spaces: matplotlib can't measure them, and an SVG file can't hold them.

    >>> wrapped("aml on demo, seed 0\ntest", 0.85)
    'aml on demo,\nseed 0\ntest'
    """
    letters = max(1, int(72 * width / (LETTER * size)))
    return "\n".join(line if len(line) <= letters else _broken(line, letters) for line in printable(text).splitlines())


def _broken(line: str, letters: int) -> str:
    """Return a line in the fewest lines of at most ``letters``, which are about equally long."""
    fewest = len(wrap(line, letters))
    longest_word = max(map(len, wrap(line, 1, break_long_words=False)))
    widths = range(min(longest_word, letters), letters + 1)
    return "\n".join(next(lines for width in widths if len(lines := wrap(line, width)) == fewest))


def add_title(figure: Figure, text: str) -> None:
    """Add a title that fits the width of the figure, its text taken literally."""
    figure.suptitle(wrapped(text, figure.get_figwidth()), fontsize=TITLE, parse_math=False)


def add_caption(figure: Figure, text: str) -> None:
    """Add a caption below the panels that fits the width of the figure, its text taken literally."""
    figure.supxlabel(wrapped(text, figure.get_figwidth(), CAPTION), fontsize=CAPTION, parse_math=False)
