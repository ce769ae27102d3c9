"""Distinguish a cell that holds several labels from one label whose name has a comma or a space."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


COMMAS = r",;|\u060c\u061b\u1363\u3001\uff0c\uff1b\uff5c\uff64"  # Arabic, Ethiopic, Chinese and Japanese ones too
COMMA = rf"\s*[{COMMAS}]\s*"  # what separates labels rather than the words of one
MARKS = rf"[\s{COMMAS}/\uff0f+&#:_-]+"  # what may stand between the words of labels
SEPARATOR = re.compile(f"({MARKS}(?:(?:and|or){MARKS})*)")
NUMBER = r"[-+]?\d+(?:\.\d+)?"
NUMBERS = re.compile(rf"{NUMBER}(?:(?:{COMMA}|\s+){NUMBER})+")
BRACKETS = re.compile(r"[\[{](?P<list>.*)[\]}]|\((?P<tuple>.*)\)", re.DOTALL)
MAX_WORDS = 200  # words of a cell that is examined; the time grows with their square


def holding_several(cells: Collection[str], names: Iterable[str] = ()) -> list[str]:
    """Return those of ``cells``, a column's different labels, that hold several labels or a list of labels.

    A cell holds several labels if it consists of labels of the column (or of ``names``) with marks between
    them, of numbers with commas or spaces between them, or of a list in brackets. A name whose parts are not
    labels, such as "sports & games", is one label. A cell that is one of ``names`` is one label too.

    >>> holding_several(["joy", "love", "joy,love", "sports & games", "not sure", "[0 1]", "[]", "1, 4, 7"])
    ['joy,love', '[0 1]', '[]', '1, 4, 7']
    >>> holding_several(["joy", "love", "joy,love"], names=["joy", "love", "joy,love"])
    []
    """
    names = set(names)
    known = {name.casefold() for name in (*names, *cells, *_labels_in_lists(cells))}
    if cells and all(cell.startswith("[") and cell.endswith("]") for cell in cells):
        known |= {cell[1:-1].strip().casefold() for cell in cells}  # every cell may be a list of one label
    return [cell for cell in cells if cell not in names and _holds_several(cell, known)]


def with_commas(cells: Iterable[str]) -> list[str]:
    """Return those of ``cells`` that have a comma, a semicolon or a bar; each may still be one label."""
    return [cell for cell in cells if re.search(COMMA, cell)]


def _labels_in_lists(cells: Iterable[str]) -> set[str]:
    """Return the labels that occur only in lists, such as those of "anger,joy" and "joy,love".

    A list is recognised by a part that occurs at different positions of lists ("joy"); then all its parts are
    labels.
    """
    lists = [re.split(COMMA, cell.strip("[]{}()")) for cell in with_commas(cells)]
    positions: dict[str, set[int]] = {}
    for parts in lists:
        for position, part in enumerate(parts):
            positions.setdefault(part, set()).add(position)
    moving = {part for part, seen in positions.items() if len(seen) > 1}
    return {part for parts in lists if moving.intersection(parts) for part in parts} - {""}


def _holds_several(cell: str, known: Collection[str]) -> bool:
    if brackets := BRACKETS.fullmatch(cell):
        content = (brackets["list"] or brackets["tuple"] or "").strip()
        return _is_list(content, brackets["tuple"] is not None, known)
    inner = cell.strip(",;| \t")
    list_of_one = inner != cell and inner.casefold() in known  # "joy," where joy is a label
    return list_of_one or bool(NUMBERS.fullmatch(inner)) or _joins_labels(inner, known)


def _is_list(content: str, round_brackets: bool, known: Collection[str]) -> bool:
    """Return True if the ``content`` of brackets is a list: empty, quoted names, numbers or labels.

    A single number or label in round brackets, such as "(1)", is a name.
    """
    quoted = content[:1] in ("'", '"') and content.strip(", ")[-1:] == content[:1]
    single = bool(re.fullmatch(NUMBER, content)) or content.casefold() in known
    if not content or quoted or (single and not round_brackets):
        return True
    return bool(NUMBERS.fullmatch(content)) or _joins_labels(content, known)


def _joins_labels(cell: str, known: Collection[str]) -> bool:
    """Return True if ``cell`` is two or more of the labels ``known``, in any case, with marks between them."""
    pieces = SEPARATOR.split(cell.casefold())  # words at even indices, the separators between them at odd ones
    words = len(pieces) // 2 + 1
    if words > MAX_WORDS:
        return False
    # a label may have several words, with marks between them: find by dynamic programming whether the first 1, 2, ...
    # words are a sequence of labels
    is_sequence = [True] + [False] * words
    for start in range(words):
        if is_sequence[start]:
            for end in range(start + 1, words + 1):
                whole_cell = end - start == words
                if not whole_cell and "".join(pieces[2 * start : 2 * end - 1]) in known:
                    is_sequence[end] = True
    return is_sequence[words]
