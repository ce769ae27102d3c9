"""Symbols of options as a paper prints them: in italics, with their index below."""

from __future__ import annotations

import re

from fecbench.core.text import printable

SYMBOL = re.compile(r"([^\W\d_]+)(?:_([^\W_]+))?")


def typeset(symbol: str) -> str:
    r"""Return a symbol such as ``λ`` or ``T_D`` in matplotlib's mathematics; anything else literally.

    >>> typeset("λ"), typeset("T_D"), typeset("p$")
    ('$λ$', '$T_\\mathrm{D}$', 'p\\$')
    """
    found = SYMBOL.fullmatch(symbol)
    if not found:
        return literal(symbol)
    letters, index = found.groups()
    return f"${letters}$" if index is None else rf"${letters}_\mathrm{{{index}}}$"


def literal(text: str) -> str:
    r"""Return text in which matplotlib finds no mathematics and no control characters.

    >>> literal("$x$")
    '\\$x\\$'
    """
    return printable(text).replace("$", r"\$")
