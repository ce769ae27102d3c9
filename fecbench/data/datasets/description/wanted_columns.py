"""The columns of text and label that a description names, found among the columns of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fecbench.data.datasets.description.schema import Column, ColumnNames


def text_columns(columns: ColumnNames) -> list[Column]:
    """Return the columns of the text, ``text`` by default."""
    return _listed(columns.text, "text")


def label_columns(columns: ColumnNames) -> list[Column]:
    """Return the columns of the label, ``label`` by default."""
    return _listed(columns.label, "label")


def _listed(column: Column | list[Column] | None, default: str) -> list[Column]:
    if isinstance(column, list):
        return column
    return [default if column is None else column]


def number_of(column: Column) -> int | None:
    """Return the number of a column, or None if it is given by a name that is not a number."""
    if isinstance(column, int):
        return column
    return int(column) if column.isascii() and column.isdecimal() and len(column) < 10 else None


def index_of(column: Column, names: Sequence[str]) -> int | None:
    """Return the index of a column, given by name or by number from 1, or None if there is no such column.

    >>> index_of("label", ["text", "label"]), index_of(1, ["text", "label"]), index_of("2", ["text", "label"])
    (1, 0, 1)
    """
    if column in names:
        return names.index(str(column))
    number = number_of(column)
    return number - 1 if number and number <= len(names) else None


def only_label_column(columns: ColumnNames, names: Sequence[str]) -> str | None:
    """Return the column of the label; None if it isn't among ``names``, or each label has a column of its own."""
    wanted = label_columns(columns)
    index = index_of(wanted[0], names) if len(wanted) == 1 else None
    return None if index is None else names[index]


def are_in(wanted: Iterable[Column], names: Sequence[str]) -> bool:
    """Return True if a file with columns called ``names`` has all ``wanted`` columns."""
    return all(index_of(column, names) is not None for column in wanted)
