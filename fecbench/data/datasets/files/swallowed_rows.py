"""Find quoted cells of CSV files that contain further rows."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from fecbench.core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence


LINE_BREAK = re.compile(r"\r\n|\r|\n")
REMEDY = "check the quotes, or give --quotes plain if quotes are ordinary characters"


class Suspect(NamedTuple):
    """A quoted cell with several lines, of which most have as many cells as a row.

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

    Only at the end of the file do the labels of the other rows show if a cell's lines are rows.

    Attributes:
        path: path of the file, for messages.
        delimiter: separator of the cells.
        label: index of the label's column; without one, no row is examined.
        labels: the labels of the rows examined.
        suspects: cells that may hold rows.
    """

    path: str
    delimiter: str
    label: int | None
    labels: set[str] = field(default_factory=set)
    suspects: list[Suspect] = field(default_factory=list)

    def examine(self, cells: Sequence[str], line: int, lines: int) -> None:
        """Record a row's label and its suspicious cells.

        Args:
            cells: cells of the row.
            line: number of the row's first line.
            lines: how many lines the row has.
        """
        if self.label is None:
            return
        self.labels.add(cells[self.label].strip())
        if lines > 1:
            self._examine_cells(cells, line, self.label)

    def _examine_cells(self, cells: Sequence[str], line: int, label: int) -> None:
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
