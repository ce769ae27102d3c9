"""Shorten lists of names, join clauses, and make untrusted text safe for Markdown, terminals and figures."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


BREAKS = r"\u2028\u2029"  # Unicode's line and paragraph separators
REORDERING = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # direction marks, embeddings, overrides and isolates
CONTROLS = re.compile(rf"[\x00-\x1f\x7f-\x9f{BREAKS}{REORDERING}]")
# keeps \n, and the marks that written Arabic and Hebrew need
STEERING = re.compile(rf"[\x00-\x09\x0b-\x1f\x7f-\x9f{BREAKS}\u202a-\u202e\u2066-\u2069]")
SPECIAL = re.compile(r"([\\`*_<>|\[\]~#$&])")


def shortened(names: Sequence[str], most: int = 5) -> str:
    """Return the first ``most`` names and the number of the others.

    >>> shortened(["joy", "love", "fear"], most=2)
    'joy, love and 1 more'
    """
    listed = ", ".join(names[:most])
    return f"{listed} and {len(names) - most} more" if len(names) > most else listed


def lower_first(text: str) -> str:
    """Return ``text`` with its first letter in lower case, to continue a sentence.

    >>> lower_first("Input should be a valid integer")
    'input should be a valid integer'
    """
    return text[:1].lower() + text[1:]


def escape(text: str) -> str:
    r"""Return ``text`` so that GitHub's Markdown shows it literally, on one line, inside a table too.

    Control characters become spaces.

    >>> print(escape("a|b *c* <d> &amp;"))
    a\|b \*c\* \<d\> \&amp;
    >>> escape("bell\x07 and\nline")
    'bell and line'
    """
    return SPECIAL.sub(r"\\\1", " ".join(CONTROLS.sub(" ", text).split()))


def inline(text: str) -> str:
    r"""Return ``text`` on one line: characters that would break, control or reorder the line become escapes.

    >>> print(inline("glad 0.990\tI won\nsad\u202e"))
    glad 0.990\tI won\nsad\u202e
    """
    return CONTROLS.sub(lambda control: control[0].encode("unicode_escape").decode(), text)


def printable(text: str) -> str:
    r"""Return ``text``, of several lines, with a space for each character that controls a terminal or breaks a figure.

    >>> printable("\x1b[31mred\x1b[0m\r\n\x9b2J")
    ' [31mred [0m \n 2J'
    """
    return STEERING.sub(" ", text)
