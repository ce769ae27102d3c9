"""Text of anybody's making inside a Markdown page."""

import re

CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
SPECIAL = re.compile(r"([\\`*_<>|\[\]~#$&])")


def escape(text: str) -> str:
    r"""``text`` as GitHub's Markdown shows it literally, on one line, inside a table too; control characters become spaces.

    >>> print(escape("a|b *c* <d> &amp;"))
    a\|b \*c\* \<d\> \&amp;
    >>> escape("bell\x07 and\nline")
    'bell and line'
    """
    return SPECIAL.sub(r"\\\1", " ".join(CONTROLS.sub(" ", text).split()))
