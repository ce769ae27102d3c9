"""A row as it stands in a file: its position and its cells."""

from collections.abc import Mapping
from typing import Any

RawRow = tuple[str, Mapping[str, Any]]
"""The position of a row, for messages, and its cells by column name."""


def cell_text(cell: object) -> str:
    """Return a cell as text, without white space around it; "" for a missing one.

    >>> cell_text(None), cell_text(" joy "), cell_text(1)
    ('', 'joy', '1')
    """
    return "" if cell is None else str(cell).strip()
