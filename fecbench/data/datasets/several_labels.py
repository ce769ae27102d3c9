"""Tells a cell that holds several labels from a name that merely holds a comma or a space."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


COMMAS = r",;|\u060c\u061b\u1363\u3001\uff0c\uff1b\uff5c\uff64"  # Arabic, Ethiopic, Chinese and Japanese ones too
COMMA = rf"\s*[{COMMAS}]\s*"  # what separates labels rather than the words of one
MARKS = rf"[\s{COMMAS}/\uff0f+&#:_-]+"
SEPARATOR = re.compile(f"({MARKS}(?:(?:and|or){MARKS})*)")
NUMBER = r"[-+]?\d+(?:\.\d+)?"
NUMBERS = re.compile(rf"{NUMBER}(?:(?:{COMMA}|\s+){NUMBER})+")
BRACKETS = re.compile(r"[\[{](?P<list>.*)[\]}]|\((?P<tuple>.*)\)", re.DOTALL)
MOST = 200  # words of a cell that is looked into


def holding_several(cells: Collection[str], names: Iterable[str] = ()) -> list[str]:
    """Those of ``cells``, a column's different labels, that hold several labels or a list of them; never one of ``names``.

    A cell holds several where it is labels of the column (or ``names``) with marks between, or whole numbers with commas or spaces between,
    or a list in brackets. A name whose parts aren't labels, such as "sports & games", is one label.

    >>> holding_several(["joy", "love", "joy,love", "sports & games", "not sure", "[0 1]", "[]", "1, 4, 7"])
    ['joy,love', '[0 1]', '[]', '1, 4, 7']
    >>> holding_several(["joy", "love", "joy,love"], names=["joy", "love", "joy,love"])
    []
    """
    own = set(names)
    known = {name.casefold() for name in (*own, *cells, *_recurring(cells))}
    if cells and all(cell.startswith("[") and cell.endswith("]") for cell in cells):
        known |= {cell[1:-1].strip().casefold() for cell in cells}
    return [cell for cell in cells if cell not in own and _holds_several(cell, known)]


def with_commas(cells: Iterable[str]) -> list[str]:
    """Those of ``cells`` that hold a comma, a semicolon or a bar: one label each, perhaps."""
    return [cell for cell in cells if re.search(COMMA, cell)]


def _recurring(cells: Iterable[str]) -> set[str]:
    """Parts that stand at two places of lists, and those beside them: the labels of "anger,joy", "joy,love" where no row has one alone."""
    lists = [re.split(COMMA, cell.strip("[]{}()")) for cell in with_commas(cells)]
    places: dict[str, set[int]] = {}
    for parts in lists:
        for place, part in enumerate(parts):
            places.setdefault(part, set()).add(place)
    twice = {part for part, found in places.items() if len(found) > 1}
    return {part for parts in lists if twice.intersection(parts) for part in parts} - {""}


def _holds_several(cell: str, known: Collection[str]) -> bool:
    if found := BRACKETS.fullmatch(cell):
        return _is_list((found["list"] or found["tuple"] or "").strip(), found["tuple"] is not None, known)
    inner = cell.strip(",;| \t")  # of "joy," too the label is joy
    lists_one = inner != cell and inner.casefold() in known
    return lists_one or _joins(inner, known) or bool(NUMBERS.fullmatch(inner))


def _is_list(inner: str, round_brackets: bool, known: Collection[str]) -> bool:
    """Whether what stands within brackets is a list: nothing, quoted names, numbers, or labels. ("(1)" is a name.)"""
    quoted = inner[:1] in ("'", '"') and inner.strip(", ")[-1:] == inner[:1]
    one = not round_brackets and (bool(re.fullmatch(NUMBER, inner)) or inner.casefold() in known)
    return not inner or quoted or one or bool(NUMBERS.fullmatch(inner)) or _joins(inner, known)


def _joins(cell: str, known: Collection[str]) -> bool:
    """Whether ``cell`` is two or more of the labels ``known``, in any case, with marks between; a label may hold marks itself."""
    pieces = SEPARATOR.split(cell.casefold())  # words, and between them what separates them
    words = len(pieces) // 2 + 1
    reached = [True, *[False] * words]
    for start in range(words if words <= MOST else 0):
        for end in range(start + 1, words + 1) if reached[start] else ():
            whole = end - start == words
            reached[end] |= not whole and "".join(pieces[2 * start : 2 * end - 1]) in known
    return reached[words]
