"""Check that rows have a text and a label column, and suggest a remedy if they don't."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from fecbench.core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


RawRow = tuple[str, Mapping[str, Any]]
"""The position of a row, for messages, and its cells by column name."""

MAX_EXAMINED = 1000  # rows that are read to find out what the columns of a file without the wanted ones hold


@dataclass(frozen=True)
class Columns:
    """The names of the columns of text and label."""

    text: str
    label: str


def check_columns(position: str, row: Mapping[str, Any], following: Iterator[RawRow], columns: Columns) -> None:
    """Raise DataError if ``row`` lacks the column of text or label.

    ``following`` are the rows after it. They are read only if a column is missing, to suggest a remedy.

    Raises:
        DataError: a column is missing.
    """
    for name, flag in ((columns.text, "--text-column"), (columns.label, "--label-column")):
        if name not in row:
            rows = [row]
            with suppress(DataError):  # errors in the following rows are not what is reported here
                rows.extend(other for _, other in islice(following, MAX_EXAMINED))
            advice = _advice(rows, flag, name == columns.label)
            raise DataError(f"{position}: the column {name!r} is missing, {advice}")


def _advice(rows: Sequence[Mapping[str, Any]], flag: str, label: bool) -> str:
    """Return what was found instead of a column, and the remedy."""
    names = list(map(str, rows[0]))
    if _looks_like_a_row(rows):
        return (
            f"and the first line ({', '.join(names)}) looks like a row, not like the names of columns; "
            "write a line above it that names the columns, such as text and label"
        )
    label_columns = _columns_of_digits(rows) if label else []
    if len(label_columns) > 1:
        return (
            f"but a column of numbers for each label was found ({', '.join(label_columns)}); several labels for one "
            "text aren't read yet: write one column with the name of each row's label, and leave out the rows that "
            "have several or none"
        )
    return f"found {', '.join(names)}; name yours with {flag}"


def check_column_names(names: Sequence[str], position: str, columns: Columns) -> None:
    """Raise DataError if a file's first line seems to be a row; called if the label column's name is also a label.

    Raises:
        DataError: the column names are not 0, 1, 2, ..., which pandas writes.
    """
    if not _are_numbers_from_zero(names):
        raise DataError(
            f"{position}: the label column is called {columns.label!r}, and {columns.label!r} is a label too; if the "
            f"first line ({', '.join(names)}) is a row, write a line above it that names the columns, such as text and "
            "label; else rename the column"
        )


def _looks_like_a_row(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Return True if the column names seem to be cells: one is a number, or occurs in its own column."""
    if _are_numbers_from_zero(list(map(str, rows[0]))):
        return False
    names = [str(name) for name in rows[0] if str(name).strip()]
    repeated = any(str(row.get(name)).strip() == name.strip() for name in names for row in rows)
    return repeated or any(name.strip().isdecimal() for name in names)


def _are_numbers_from_zero(names: Sequence[str]) -> bool:
    return list(names) == list(map(str, range(len(names))))


def _columns_of_digits(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the columns in which all cells that are not empty are single digits, such as 0 and 1."""
    columns = []
    for name in rows[0]:
        cells = {str(cell).strip() for row in rows if (cell := row.get(name)) is not None} - {""}
        if cells and all(len(cell) == 1 and cell.isdecimal() for cell in cells):
            columns.append(str(name))
    return columns
