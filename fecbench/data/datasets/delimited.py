"""Rows of CSV and TSV: which mark separates cells, where a quoted cell began, and whether a quote swallowed rows."""

from __future__ import annotations

import csv
import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal

from fecbench.core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from fecbench.data.datasets.columns import Columns, RawRow


Quotes = Literal["csv", "plain"]
"""``csv``: a quoted cell may hold delimiters and line breaks. ``plain``: a quote is a character like any other."""

MARKS = (",", ";", "\t", "|")
LONGEST = 2**31 - 1  # characters of a cell; Python's own limit is 131,072
LINE_BREAK = re.compile(r"\r\n|\r|\n")
REMEDY = "check the quotes, or give --quotes plain where quotes are plain characters"


def read_delimited(
    lines: Iterable[str], path: object, delimiter: str, columns: Columns, quotes: Quotes
) -> Iterator[RawRow]:
    """Where each row begins, and its cells by the names in the first line that isn't blank.

    Cells are separated by ``delimiter``, or by another mark where only that one finds ``columns`` in the first line.

    Raises:
        DataError: a quote never closes, a row has too many or too few cells, a column is named twice, or a quoted cell holds rows.
    """
    csv.field_size_limit(LONGEST)
    rest = iter(lines)
    before, first = _first_line(rest)
    delimiter = _separator(first, delimiter, columns)
    kept = _Lines(chain(before, [first], rest))
    plain: dict[str, Any] = {"quoting": csv.QUOTE_NONE} if quotes == "plain" else {}
    reader = csv.reader(kept, delimiter=delimiter, strict=True, **plain)
    header: list[str] = []
    swallowed = Swallowed(str(path), delimiter)
    while (cells := _next_row(reader, kept, path, delimiter)) is not None:
        where = f"{path}, line {kept.start}"
        if not header and any(map(str.strip, cells)):
            header = cells
            check_named_once(header, where)
        elif cells and header:
            if len(cells) != len(header):
                raise DataError(
                    f"{where}: {len(header)} columns are needed, found {len(cells)}; {_cell_advice(delimiter, quotes)}"
                )
            row = dict(zip(header, cells, strict=True))
            swallowed.look_at(cells, kept.start, header.index(columns.label) if columns.label in header else None)
            yield where, row
    swallowed.check()


def check_named_once(columns: Iterable[str], where: str) -> None:
    """Raises DataError where two columns have one name: only one of them would be read."""
    repeated = [name for name, count in Counter(columns).items() if count > 1]
    if repeated:
        raise DataError(f"{where}: every column must be named once, but {repeated[0]!r} stands there twice; rename one")


class _Lines:
    """Lines, of which those of the current row are kept, and the number of its first."""

    def __init__(self, lines: Iterable[str]):
        self._lines = iter(lines)
        self.start, self.row = 1, list[str]()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        self.row.append(next(self._lines))
        return self.row[-1]

    def begin_row(self) -> None:
        """Let go of the last row's lines."""
        self.start += len(self.row)
        self.row = []


def _first_line(lines: Iterator[str]) -> tuple[list[str], str]:
    """The blank lines at the start, and the first that isn't blank."""
    blank: list[str] = []
    for line in lines:
        if line.strip():
            return blank, line
        blank.append(line)
    return blank, ""


def _separator(header: str, delimiter: str, columns: Columns) -> str:
    """The mark that separates the columns of ``header``: the format's own, or the one that finds the columns, or the most frequent."""
    wanted = {columns.text, columns.label}
    for mark in (delimiter, *MARKS):
        if wanted <= set(next(csv.reader([header.rstrip("\r\n")], delimiter=mark), [])):
            return mark
    return delimiter if delimiter in header else max(MARKS, key=header.count)


def _next_row(reader: Iterator[list[str]], lines: _Lines, path: object, delimiter: str) -> list[str] | None:
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
    """In which of a row's ``lines``, from 0, the quoted cell begins that is wrong."""
    cells = next(csv.reader(lines, delimiter=delimiter), [])
    breaks = [len(LINE_BREAK.findall(cell)) for cell in cells] or [0]
    several = [number for number, count in enumerate(breaks) if count]
    wrong = several[-1] if several and "end of data" not in error else len(breaks) - 1
    return min(sum(breaks[:wrong]), len(lines) - 1)


def _cell_advice(delimiter: str, quotes: Quotes) -> str:
    if quotes == "plain":
        return f"with --quotes plain no cell can hold {delimiter!r}: leave --quotes out, or write JSON lines"
    return f"quote texts that hold {delimiter!r}"


@dataclass
class Swallowed:
    """Watches for quoted cells that hold what look like rows: a text that begins with a lone quote swallows all rows to the next one."""

    path: str
    delimiter: str
    labels: set[str] = field(default_factory=set)
    suspects: list[tuple[int, int, int, list[str]]] = field(default_factory=list)

    def look_at(self, cells: Sequence[str], line: int, label: int | None) -> None:
        """Remember a row's label, and each cell of it most lines of which have as many cells as the row; ``line`` is the row's first."""
        if label is None:
            return
        self.labels.add(cells[label].strip())
        for place, cell in enumerate(cells):
            breaks = len(LINE_BREAK.findall(cell))
            lines = self._lines_beside_own(cells, place, label) if breaks else []
            rows = [row[label].strip() for row in lines if len(row) == len(cells)]
            if 2 * len(rows) > len(lines):
                self.suspects.append((line, line + breaks, len(lines), rows))
            line += breaks

    def _lines_beside_own(self, cells: Sequence[str], place: int, label: int) -> list[list[str]]:
        """The lines of a cell as rows, blank ones left out, and the one that has the row's own label, which proves nothing."""
        first, *rest = LINE_BREAK.split(cells[place])
        rows = [
            [*cells[:place], *first.split(self.delimiter)],
            *(line.split(self.delimiter) for line in rest if line.strip()),
        ]
        rows[-1] = [*rows[-1], *cells[place + 1 :]]
        if label == place:
            return rows
        return rows[1:] if label < place else rows[:-1]

    def check(self) -> None:
        """Raises DataError where most of a cell's lines are rows with labels that other rows have."""
        for begin, end, lines, labels in self.suspects:
            rows = sum(label in self.labels for label in labels)
            if 2 * rows > lines:
                raise DataError(
                    f"{self.path}, line {begin}: the quoted cell that begins here goes on to line {end} and holds what look like "
                    f"{rows} row{'s' * (rows > 1)}; {REMEDY}"
                )
