"""Read CSV and TSV: find the delimiter, name the columns, and report unclosed quotes and ragged rows.

The csv module reads, not pyarrow or polars: these tell neither the line in which a row begins, which every message
names, nor the line of a quote that never closes.
"""

from __future__ import annotations

import csv
from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal

from fecbench.core.errors import DataError
from fecbench.data.datasets.description.wanted_columns import are_in, index_of, label_columns, number_of, text_columns
from fecbench.data.datasets.files.opening import read_lines
from fecbench.data.datasets.files.swallowed_rows import LINE_BREAK, REMEDY, SwallowedRows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from fecbench.data.datasets.description.schema import ColumnNames, FileFormat
    from fecbench.data.datasets.files.raw_rows import RawRow
    from fecbench.data.datasets.files.source_files import SourceFile


Quotes = Literal["csv", "plain"]
"""``csv``: a quoted cell may hold delimiters and line breaks. ``plain``: a quote is an ordinary character."""

MARKS = (",", ";", "\t", "|")
BLANK = ' \t\r\n,;|"'  # a line of these alone has only empty cells
MAX_CELL = 2**31 - 1  # characters of a cell; Python's own limit is 131,072


def read_csv(file: SourceFile, form: FileFormat, columns: ColumnNames) -> Iterator[RawRow]:
    """Yield the rows of a CSV file; see :func:`read_delimited`."""
    return read_delimited(file, form, columns, ",")


def read_tsv(file: SourceFile, form: FileFormat, columns: ColumnNames) -> Iterator[RawRow]:
    """Yield the rows of a TSV file; see :func:`read_delimited`."""
    return read_delimited(file, form, columns, "\t")


def read_delimited(file: SourceFile, form: FileFormat, columns: ColumnNames, usual: str) -> Iterator[RawRow]:
    """Yield the position of each row and its cells by column name.

    The first line that is not blank names the columns, unless the file has no header. Then they are called as
    ``form.columns`` says, else ``"1"``, ``"2"``, ...

    Args:
        file: the file.
        form: its delimiter, header, quotes and encoding.
        columns: the columns of text and label.
        usual: the delimiter if ``form`` names none, unless only another mark finds ``columns`` in the first line.

    Raises:
        DataError: a quote never closes, a row has too many or too few cells, a column is named twice, or a
            quoted cell contains rows.
    """
    name, lines = str(file), read_lines(file, form.encoding, newline="")
    blank, first = _first_line(lines)
    if not first:
        return
    delimiter = _given_delimiter(form, name) or _find_delimiter(first, form, columns, usual)
    row_lines = _RowLines(chain([first], lines), blank + 1)
    rows = _rows(row_lines, name, delimiter, form)
    first_cells = next(rows)
    names = _names(first_cells, form, f"{name}, line {row_lines.start}")
    swallowed = SwallowedRows(name, delimiter, index_of(label_columns(columns)[0], names))
    for cells in rows if _has_header(form) else chain([first_cells], rows):
        if not cells:
            continue
        where = f"{name}, line {row_lines.start}"
        if len(cells) != len(names):
            raise DataError(_ragged(where, names, cells, delimiter, form))
        swallowed.examine(cells, row_lines.start, len(row_lines.row))
        yield where, dict(zip(names, cells, strict=True))
    swallowed.check()


def names_columns(first: str, form: FileFormat, columns: ColumnNames) -> bool:
    """Return True if the first line of a file names the columns of the text, by name, among several."""
    texts = [column for column in text_columns(columns) if number_of(column) is None]
    cells = [_cells(first, mark, form) for mark in MARKS]
    return bool(texts) and any(len(names) > 1 and are_in(texts, names) for names in cells)


def check_named_once(columns: Iterable[str], where: str) -> None:
    """Raise DataError if two columns have the same name, since only one of them would be read."""
    repeated = [name for name, count in Counter(columns).items() if count > 1]
    if repeated:
        raise DataError(f"{where}: every column must be named once, but {repeated[0]!r} appears twice; rename one")


class _RowLines:
    """An iterator over lines that keeps the lines of the current row and the number of the first."""

    def __init__(self, lines: Iterable[str], start: int):
        self._lines = iter(lines)
        self.start, self.row = start, list[str]()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        self.row.append(next(self._lines))
        return self.row[-1]

    def begin_row(self) -> None:
        """Drop the lines of the last row."""
        self.start += len(self.row)
        self.row = []


def _first_line(lines: Iterator[str]) -> tuple[int, str]:
    """Return the number of blank lines at the start, and the first line that is not blank, or ""."""
    for number, line in enumerate(lines):
        if line.strip(BLANK):
            return number, line
    return 0, ""


def _has_header(form: FileFormat) -> bool:
    """Return True if the first line of a file names its columns."""
    return form.header and not form.columns


def _given_delimiter(form: FileFormat, name: str) -> str | None:
    """Return the delimiter that ``form`` names, or None.

    Raises:
        DataError: it is a line break or a quote, which mean something else.
    """
    if form.delimiter in ("\n", "\r", '"'):
        raise DataError(
            f"{name}: the delimiter must not be a line break or a quote, found {form.delimiter!r}; give the mark that "
            "stands between the cells"
        )
    return form.delimiter


def _find_delimiter(first: str, form: FileFormat, columns: ColumnNames, usual: str) -> str:
    """Return the mark with which the first line of a file has the wanted ``columns``, the ``usual`` one first.

    If no mark finds them, return the usual one if it occurs, else the most frequent mark.
    """
    texts, labels = text_columns(columns), label_columns(columns)
    for wanted in ([*texts, *labels], texts):  # a file without labels has the texts alone
        for mark in (usual, *MARKS):
            if are_in(wanted, _names_if(_cells(first, mark, form), form)):
                return mark
    return usual if usual in first else max(MARKS, key=first.count)


def _names_if(cells: list[str], form: FileFormat) -> list[str]:
    """Return the columns' names if ``cells`` are those of the first line; [] if the given names are not as many."""
    if _has_header(form):
        return cells
    if form.columns:
        return form.columns if len(form.columns) == len(cells) else []
    return [str(number) for number in range(1, len(cells) + 1)]


def _cells(line: str, delimiter: str, form: FileFormat) -> list[str]:
    return next(csv.reader([line.rstrip("\r\n")], delimiter=delimiter, **_quoting(form)), [])


def _quoting(form: FileFormat) -> dict[str, Any]:
    # Characters of a cell are not limited: a limit would refuse long texts.
    csv.field_size_limit(MAX_CELL)
    return {"quoting": csv.QUOTE_NONE} if form.quotes == "plain" else {}


def _names(first: list[str], form: FileFormat, where: str) -> list[str]:
    """Return the names of the columns; ``first`` are the cells of the first row.

    Raises:
        DataError: two columns have the same name, or a file that should have no header repeats the given names.
    """
    if first == form.columns:
        raise DataError(
            f"{where}: columns must name those of a file without a header, but this line has the same names; remove "
            "columns from the description"
        )
    names = form.columns or _names_if(first, form)
    check_named_once(names, where)
    return names


def _rows(lines: _RowLines, name: str, delimiter: str, form: FileFormat) -> Iterator[list[str]]:
    """Yield the cells of each row.

    Raises:
        DataError: a quoted cell is malformed; the message names its first line.
    """
    # Strict: otherwise a quote that never closes would take the rest of the file into its cell without an error.
    reader = csv.reader(lines, delimiter=delimiter, strict=True, **_quoting(form))
    try:
        for cells in reader:
            yield cells
            lines.begin_row()
    except csv.Error as error:
        begin = lines.start + _line_of_quote(lines.row, delimiter, str(error))
        end = lines.start + len(lines.row) - 1
        if "end of data" in str(error):
            raise DataError(f"{name}, line {begin}: a quote opens a cell here and never closes; {REMEDY}") from error
        through = f" in line {end}" if end != begin else ""
        raise DataError(
            f"{name}, line {begin}: the quoted cell that begins here ends badly{through} ({error}); {REMEDY}"
        ) from error


def _line_of_quote(lines: Sequence[str], delimiter: str, error: str) -> int:
    """Return the index, in a row's ``lines``, of the line in which the malformed quoted cell begins."""
    cells = next(csv.reader(lines, delimiter=delimiter), [])  # read again, leniently
    breaks = [len(LINE_BREAK.findall(cell)) for cell in cells] or [0]
    multiline = [index for index, count in enumerate(breaks) if count]
    # an unclosed quote is in the last cell; other errors are at the end of the last cell that has several lines
    malformed = multiline[-1] if multiline and "end of data" not in error else len(breaks) - 1
    return min(sum(breaks[:malformed]), len(lines) - 1)


def _ragged(where: str, names: list[str], cells: list[str], delimiter: str, form: FileFormat) -> str:
    """Return the error message for a row with too many or too few cells."""
    counted = f" ({', '.join(names)})" if form.columns else "" if form.header else ", as in the first row"
    if form.quotes == "plain":
        advice = f"with --quotes plain no cell can hold {delimiter!r}: leave --quotes out, or write JSON lines"
    else:
        advice = f"quote texts that hold {delimiter!r}"
    if form.columns and len(cells) < len(names):
        advice = f"correct columns under [format] if they aren't those of the file, or {advice}"
    elif form.header and names[0].startswith("#") and len(names) < len(cells):
        advice = f"the first line ({names[0]}) must name the columns: remove it if it is a remark, or {advice}"
    return f"{where}: {len(names)} columns are needed{counted}, found {len(cells)}; {advice}"
