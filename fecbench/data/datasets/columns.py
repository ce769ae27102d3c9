"""The columns of text and label, and what is there instead where a data set lacks them."""

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
"""Where a row stands, and its columns."""

LOOKED_AT = 1000  # rows that are read to tell what a column without a known name holds


@dataclass(frozen=True)
class Columns:
    """The names of the columns that hold text and label."""

    text: str
    label: str


def check_columns(place: str, row: Mapping[str, Any], following: Iterator[RawRow], columns: Columns) -> None:
    """Check that ``row`` has the columns of text and label; ``following`` are the rows after it, for the error message alone.

    Raises:
        DataError: a column is missing; the message says what seems to be there instead.
    """
    for name, flag in ((columns.text, "--text-column"), (columns.label, "--label-column")):
        if name not in row:
            rows = [row]
            with suppress(DataError):  # the rows that follow have errors of their own
                rows.extend(other for _, other in islice(following, LOOKED_AT))
            raise DataError(f"{place}: the column {name!r} is missing, {_instead(rows, flag, name == columns.label)}")


def _instead(rows: Sequence[Mapping[str, Any]], flag: str, label: bool) -> str:
    names = list(map(str, rows[0]))
    if _looks_like_a_row(rows):
        return (
            f"and the first line ({', '.join(names)}) looks like a row, not like the names of columns; "
            "write a line above it that names the columns, such as text and label"
        )
    one_each = _of_digits(rows) if label else []
    if len(one_each) > 1:
        return (
            f"but a column of numbers for each label was found ({', '.join(one_each)}); several labels for one text aren't read yet: "
            f"write one column with the name of each row's label, and leave out the rows that have several or none"
        )
    return f"found {', '.join(names)}; name yours with {flag}"


def check_column_names(names: Sequence[str], place: str, columns: Columns) -> None:
    """Check the first line of a file in which ``columns.label`` is a label too: it is a row that was taken for names of columns.

    Raises:
        DataError: it is, unless the names are 0, 1, 2, ..., as pandas writes them.
    """
    if not _are_numbers_from_zero(names):
        raise DataError(
            f"{place}: the label column is called {columns.label!r}, and {columns.label!r} is a label too; where the first line "
            f"({', '.join(names)}) is a row, write a line above it that names the columns, such as text and label; else rename the column"
        )


def _looks_like_a_row(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the names of columns seem to be a row's cells: one is a number, or stands among its column's own values."""
    names = [str(name) for name in rows[0] if str(name).strip()]
    repeated = any(str(row.get(name)).strip() == name.strip() for name in names for row in rows)
    return not _are_numbers_from_zero(list(map(str, rows[0]))) and (
        repeated or any(name.strip().isdecimal() for name in names)
    )


def _are_numbers_from_zero(names: Sequence[str]) -> bool:
    return list(names) == list(map(str, range(len(names))))


def _of_digits(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The columns whose every cell is one digit, such as 0 and 1, or nothing."""
    found = []
    for name in rows[0]:
        cells = {str(cell).strip() for row in rows if (cell := row.get(name)) is not None} - {""}
        if cells and all(len(cell) == 1 and cell.isdecimal() for cell in cells):
            found.append(str(name))
    return found
