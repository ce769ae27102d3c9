"""Text of anybody's making where it is shown: inside a Markdown page, on a terminal, in a picture."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def shortened(names: Sequence[str], most: int = 5) -> str:
    """The first few names, and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


BREAKS = r"\u2028\u2029"  # lines and paragraphs end there too
REORDERING = (
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # Unicode's marks, embeddings, overrides and isolates of direction
)
CONTROLS = re.compile(rf"[\x00-\x1f\x7f-\x9f{BREAKS}{REORDERING}]")
STEERING = re.compile(rf"[\x00-\x09\x0b-\x1f\x7f-\x9f{BREAKS}\u202a-\u202e\u2066-\u2069]")
SPECIAL = re.compile(r"([\\`*_<>|\[\]~#$&])")


def escape(text: str) -> str:
    r"""``text`` as GitHub's Markdown shows it literally, on one line, inside a table too; control characters become spaces.

    >>> print(escape("a|b *c* <d> &amp;"))
    a\|b \*c\* \<d\> \&amp;
    >>> escape("bell\x07 and\nline")
    'bell and line'
    """
    return SPECIAL.sub(r"\\\1", " ".join(CONTROLS.sub(" ", text).split()))


def inline(text: str) -> str:
    r"""``text`` on one line: an escape stands for each character that would break, part or reorder the line.

    >>> print(inline("glad 0.990\tI won\nsad\u202e"))
    glad 0.990\tI won\nsad\u202e
    """
    return CONTROLS.sub(lambda sign: sign[0].encode("unicode_escape").decode(), text)


def shown(text: str) -> str:
    r"""``text`` of several lines with a space for each character that steers a terminal, or that no picture can hold.

    >>> shown("\x1b[31mred\x1b[0m\r\n\x9b2J")
    ' [31mred [0m \n 2J'
    """
    return STEERING.sub(" ", text)
