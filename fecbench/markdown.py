"""Text of anybody's making where it is shown: inside a Markdown page, on a terminal, in a picture."""

import re

CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
SPECIAL = re.compile(r"([\\`*_<>|\[\]~#$&])")


def escape(text: str) -> str:
    r"""``text`` as GitHub's Markdown shows it literally, on one line, inside a table too; control characters become spaces.

    >>> print(escape("a|b *c* <d> &amp;"))
    a\|b \*c\* \<d\> \&amp;
    >>> escape("bell\x07 and\nline")
    'bell and line'
    """
    return SPECIAL.sub(r"\\\1", " ".join(CONTROLS.sub(" ", text).split()))


def shown(text: str) -> str:
    r"""``text`` with a space for each control character but tab and newline: terminals obey them, and no picture can hold them.

    >>> shown("\x1b[31mred\x1b[0m\r\n\x9b2J")
    ' [31mred [0m \n 2J'
    """
    return STEERING.sub(" ", text)
