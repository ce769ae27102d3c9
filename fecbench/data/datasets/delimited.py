"""Read CSV and TSV: find the delimiter, and report unclosed quotes and quoted cells that contain further rows."""

from __future__ import annotations

import csv
import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from fecbench.core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from fecbench.data.datasets.columns import Columns, RawRow


Quotes = Literal["csv", "plain"]
"""``csv``: a quoted cell may hold delimiters and line breaks. ``plain``: a quote is an ordinary character."""

MARKS = (",", ";", "\t", "|")
MAX_CELL = 2**31 - 1  # characters of a cell; Python's own limit is 131,072
LINE_BREAK = re.compile(r"\r\n|\r|\n")
REMEDY = "check the quotes, or give --quotes plain if quotes are ordinary characters"


def read_delimited(
    lines: Iterable[str], path: object, delimiter: str, columns: Columns, quotes: Quotes
) -> Iterator[RawRow]:
    """Yield the position of each row and its cells by column name; the first line that is not blank names the columns.

    Args:
        lines: lines of the file, with their line breaks.
        path: path of the file, for messages.
        delimiter: separator of the cells, unless only another mark finds ``columns`` in the first line.
        columns: names of the columns of text and label.
        quotes: meaning of quotes.

    Raises:
        DataError: a quote never closes, a row has too many or too few cells, a column is named twice, or a
            quoted cell contains rows.
    """
    csv.field_size_limit(MAX_CELL)
    rest = iter(lines)
    before, first = _first_line(rest)
    delimiter = _find_delimiter(first, delimiter, columns)
    row_lines = _RowLines(chain(before, [first], rest))
    plain: dict[str, Any] = {"quoting": csv.QUOTE_NONE} if quotes == "plain" else {}
    # Strict: otherwise a quote that never closes would take the rest of the file into its cell without an error.
    reader = csv.reader(row_lines, delimiter=delimiter, strict=True, **plain)
    header: list[str] = []
    swallowed = SwallowedRows(str(path), delimiter)
    while (cells := _next_row(reader, row_lines, path, delimiter)) is not None:
        where = f"{path}, line {row_lines.start}"
        if not header and any(map(str.strip, cells)):
            header = cells
            check_named_once(header, where)
        elif cells and header:
            if len(cells) != len(header):
                raise DataError(
                    f"{where}: {len(header)} columns are needed, found {len(cells)}; {_cell_advice(delimiter, quotes)}"
                )
            row = dict(zip(header, cells, strict=True))
            if columns.label in header:
                swallowed.examine(cells, row_lines.start, header.index(columns.label))
            yield where, row
    swallowed.check()


def check_named_once(columns: Iterable[str], where: str) -> None:
    """Raise DataError if two columns have the same name, since only one of them would be read."""
    repeated = [name for name, count in Counter(columns).items() if count > 1]
    if repeated:
        raise DataError(f"{where}: every column must be named once, but {repeated[0]!r} appears twice; rename one")


class _RowLines:
    """An iterator over lines that keeps the lines of the current row and the number of the first."""

    def __init__(self, lines: Iterable[str]):
        self._lines = iter(lines)
        self.start, self.row = 1, list[str]()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        self.row.append(next(self._lines))
        return self.row[-1]

    def begin_row(self) -> None:
        """Drop the lines of the last row."""
        self.start += len(self.row)
        self.row = []


def _first_line(lines: Iterator[str]) -> tuple[list[str], str]:
    """Return the blank lines at the start and the first line that is not blank."""
    blank: list[str] = []
    for line in lines:
        if line.strip():
            return blank, line
        blank.append(line)
    return blank, ""


def _find_delimiter(header: str, delimiter: str, columns: Columns) -> str:
    """Return the mark with which ``header`` has the wanted ``columns``, the format's own ``delimiter`` first.

    If no mark finds them, return the format's own if it occurs, else the most frequent mark.
    """
    wanted = {columns.text, columns.label}
    for mark in (delimiter, *MARKS):
        if wanted <= set(next(csv.reader([header.rstrip("\r\n")], delimiter=mark), [])):
            return mark
    return delimiter if delimiter in header else max(MARKS, key=header.count)


def _next_row(reader: Iterator[list[str]], lines: _RowLines, path: object, delimiter: str) -> list[str] | None:
    """Return the cells of the next row, or None at the end of the file.

    Raises:
        DataError: a quoted cell is malformed; the message names its first line.
    """
    lines.begin_row()
    try:
        return next(reader, None)
    except csv.Error as error:
        begin = lines.start + _line_of_quote(lines.row, delimiter, str(error))
        end = lines.start + len(lines.row) - 1
        if "end of data" in str(error):
            raise DataError(f"{path}, line {begin}: a quote opens a cell here and never closes; {REMEDY}") from error
        through = f" in line {end}" if end != begin else ""
        raise DataError(
            f"{path}, line {begin}: the quoted cell that begins here ends badly{through} ({error}); {REMEDY}"
        ) from error


def _line_of_quote(lines: Sequence[str], delimiter: str, error: str) -> int:
    """Return the index, in a row's ``lines``, of the line in which the malformed quoted cell begins."""
    cells = next(csv.reader(lines, delimiter=delimiter), [])  # read again, leniently
    breaks = [len(LINE_BREAK.findall(cell)) for cell in cells] or [0]
    multiline = [index for index, count in enumerate(breaks) if count]
    # an unclosed quote is in the last cell; other errors are at the end of the last cell that has several lines
    malformed = multiline[-1] if multiline and "end of data" not in error else len(breaks) - 1
    return min(sum(breaks[:malformed]), len(lines) - 1)


def _cell_advice(delimiter: str, quotes: Quotes) -> str:
    if quotes == "plain":
        return f"with --quotes plain no cell can hold {delimiter!r}: leave --quotes out, or write JSON lines"
    return f"quote texts that hold {delimiter!r}"


class Suspect(NamedTuple):
    """A quoted cell most lines of which have as many cells as a row.

    Attributes:
        begin: number of its first line in the file.
        end: number of its last line.
        lines: how many of its lines were examined.
        labels: the cells of these lines in the label's column.
    """

    begin: int
    end: int
    lines: int
    labels: list[str]


@dataclass
class SwallowedRows:
    """Find quoted cells that contain rows: a text that begins with a lone quote swallows all rows up to the next quote.

    Whether the lines of a cell are rows is known only at the end of the file, by the labels of the other rows.
    """

    path: str
    delimiter: str
    labels: set[str] = field(default_factory=set)
    suspects: list[Suspect] = field(default_factory=list)

    def examine(self, cells: Sequence[str], line: int, label: int) -> None:
        """Record a row's label and its suspicious cells.

        Args:
            cells: cells of the row.
            line: number of the row's first line.
            label: index of the label's column.
        """
        self.labels.add(cells[label].strip())
        for index, cell in enumerate(cells):
            breaks = len(LINE_BREAK.findall(cell))
            lines = self._lines_as_rows(cells, index, label) if breaks else []
            labels = [row[label].strip() for row in lines if len(row) == len(cells)]
            if 2 * len(labels) > len(lines):
                self.suspects.append(Suspect(line, line + breaks, len(lines), labels))
            line += breaks

    def _lines_as_rows(self, cells: Sequence[str], index: int, label: int) -> list[list[str]]:
        """Split the lines of the cell ``index`` into cells; blank lines are left out.

        The first line is completed by the cells before it, the last line by those after it. The line with the
        row's own label is left out, since it proves nothing.
        """
        first, *rest = LINE_BREAK.split(cells[index])
        rows = [
            [*cells[:index], *first.split(self.delimiter)],
            *(line.split(self.delimiter) for line in rest if line.strip()),
        ]
        rows[-1] = [*rows[-1], *cells[index + 1 :]]
        if label == index:
            return rows
        return rows[1:] if label < index else rows[:-1]

    def check(self) -> None:
        """Raise DataError if most lines of a cell are rows with labels that other rows have."""
        for suspect in self.suspects:
            count = sum(label in self.labels for label in suspect.labels)
            if 2 * count > suspect.lines:
                rows = "1 row" if count == 1 else f"{count} rows"
                raise DataError(
                    f"{self.path}, line {suspect.begin}: the quoted cell that begins here goes on to line "
                    f"{suspect.end} and holds what look like {rows}; {REMEDY}"
                )
