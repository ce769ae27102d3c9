"""Find the columns that a description names among those of a row, and suggest a remedy if one is missing."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from fecbench.core.errors import DataError
from fecbench.core.text import shortened
from fecbench.data.datasets.description.wanted_columns import index_of, label_columns, text_columns
from fecbench.data.datasets.files.raw_rows import cell_text
from fecbench.data.datasets.labels.label_sets import INDICATORS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from fecbench.data.datasets.description.schema import Column, ColumnNames
    from fecbench.data.datasets.files.raw_rows import RawRow


MAX_EXAMINED = 1000  # rows that are read to find out what the columns of a file without the wanted ones hold


@dataclass(frozen=True)
class FoundColumns:
    """The columns of a row, by name.

    Attributes:
        text: the columns of the text, in the order in which they are joined.
        label: the column of the label, or the column of each label; empty if the row has none.
        id: the column that names the row, or None.
        group: the column of the row's group, or None.
        rater: the column of the row's rater, or None; rows without labels may lack it.
        where: for columns that choose rows, the value that is wanted.
    """

    text: tuple[str, ...]
    label: tuple[str, ...]
    id: str | None
    group: str | None
    rater: str | None
    where: Mapping[str, str | int | bool]


def find_columns(
    position: str, row: Mapping[str, Any], following: Iterator[RawRow], columns: ColumnNames, *, label_may_lack: bool
) -> FoundColumns:
    """Find the described ``columns`` in a row.

    Args:
        position: position of the row, for messages.
        row: cells of the row by column.
        following: the rows after it, which are read only if a column is missing, to suggest a remedy.
        columns: the described columns.
        label_may_lack: True if the column of the label may be missing.

    Raises:
        DataError: a column is missing.
    """
    names = list(row)

    def find(column: Column, flag: str) -> str:
        index = index_of(column, names)
        if index is None:
            raise DataError(f"{position}: {_missing(column, names, _some_rows(row, following), flag)}")
        return names[index]

    wanted = label_columns(columns)
    lacks_labels = all(index_of(column, names) is None for column in wanted)
    label_flag = "--label-column" if len(wanted) == 1 else "--label-columns"
    text_flag = f"--text-column and {label_flag}" if lacks_labels else "--text-column"
    text = tuple(find(column, text_flag) for column in text_columns(columns))
    is_unlabelled = lacks_labels and label_may_lack
    label = () if is_unlabelled else tuple(find(column, label_flag) for column in wanted)
    lacks_rater = is_unlabelled and columns.rater is not None and index_of(columns.rater, names) is None
    _check_different(text, label, position)
    return FoundColumns(
        text,
        label,
        None if columns.id is None else find(columns.id, "--id-column"),
        None if columns.group is None else find(columns.group, "--group-column"),
        None if columns.rater is None or lacks_rater else find(columns.rater, "--rater-column"),
        {find(column, "where under [columns]"): value for column, value in columns.where.items()},
    )


def _check_different(text: Sequence[str], label: Sequence[str], position: str) -> None:
    """Raise DataError if two of the columns of text and label, given by name or number, are the same."""
    repeated = [column for column, count in Counter([*text, *label]).items() if count > 1]
    if repeated:
        raise DataError(
            f"{position}: text and label under [columns] must name each column once, but {repeated[0]!r} is named "
            "twice, by its name or its number; remove one"
        )


def _some_rows(row: Mapping[str, Any], following: Iterator[RawRow]) -> list[Mapping[str, Any]]:
    rows = [row]
    with suppress(DataError):  # errors in the following rows are not what is reported here
        rows.extend(other for _, other in islice(following, MAX_EXAMINED))
    return rows


def _missing(column: Column, names: Sequence[str], rows: Sequence[Mapping[str, Any]], flag: str) -> str:
    """Return what was found instead of a column, and the remedy."""
    found = ", ".join(names)
    if isinstance(column, int) or (column.isdecimal() and column not in names):
        return f"there is no column {column}, since the row has {len(names)} ({found}); correct {flag}"
    missing = f"the column {column!r} is missing"
    if _are_numbers_from_zero(names, 1):
        return (
            f"{missing}, since the columns have numbers ({found}); if the first line names them, leave out --no-header "
            f"(header = false in dataset.toml), else give a number with {flag}, or names as columns under [format]"
        )
    if _looks_like_a_row(rows):
        return (
            f"{missing}, and the first line ({found}) looks like a row, not like the names of columns; give "
            "--no-header and the numbers of the columns (--text-column 1 --label-column 2), or write a line above it "
            "that names the columns, such as text and label"
        )
    digits = _columns_of_digits(rows) if flag == "--label-column" else []
    if len(digits) > 1:
        return f"{missing}, but {_advice_on_digits(digits, rows)}"
    verb = "correct" if flag.endswith("[columns]") else "name yours with"
    return f"{missing}, found {found}; {verb} {flag}"


def _advice_on_digits(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the finding that ``columns`` hold a digit in each row, and the remedy."""
    cells = {cell_text(row.get(name)).lower() for name in columns for row in rows} - {""}
    listed = ", ".join(f'"{name}"' for name in columns)
    flag = f"--label-columns {','.join(columns)}"
    if cells <= INDICATORS:
        return (
            f"a column of numbers for each label was found ({shortened(columns, 12)}); describe them in dataset.toml: "
            f'under [columns] label = [{listed}], and under [labels] labelling = "multi", or several = "drop", which '
            f"leaves out the rows that hold several labels; {flag} reads them with several labels too"
        )
    return (
        f"columns of numbers up to {max(cells)} were found ({shortened(columns, 12)}), such as the intensities of each "
        f"label; if they are votes of raters, give {flag} --raters N, else write a column with the one label of each "
        "row and name it with --label-column"
    )


def check_column_names(names: Sequence[str], position: str, label: str) -> None:
    """Raise DataError if a file's first line seems to be a row; called if the label column's name is also a label.

    Raises:
        DataError: the column names are not 0, 1, 2, ..., which pandas writes.
    """
    if not _are_numbers_from_zero(names):
        raise DataError(
            f"{position}: the label column is called {label!r}, and {label!r} is a label too; if the first line "
            f"({', '.join(names)}) is a row, give --no-header and the numbers of the columns (--text-column 1 "
            "--label-column 2), or write a line above it that names the columns, such as text and label; else rename "
            "the column"
        )


def _looks_like_a_row(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Return True if the column names seem to be cells: one is a number, or occurs in its own column."""
    if _are_numbers_from_zero(list(rows[0])) or _are_numbers_from_zero(list(rows[0]), 1):
        return False
    names = [name for name in rows[0] if name.strip()]
    repeated = any(str(row.get(name)).strip() == name.strip() for name in names for row in rows)
    return repeated or any(name.strip().isdecimal() for name in names)


def _are_numbers_from_zero(names: Sequence[str], first: int = 0) -> bool:
    return list(names) == [str(number) for number in range(first, len(names) + first)]


def _columns_of_digits(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the columns in which all cells that are not empty are single digits, or true and false."""
    columns = []
    for name in rows[0]:
        cells = {cell_text(row.get(name)).lower() for row in rows} - {""}
        if cells and all(cell in INDICATORS or (len(cell) == 1 and cell.isdecimal()) for cell in cells):
            columns.append(name)
    return columns
