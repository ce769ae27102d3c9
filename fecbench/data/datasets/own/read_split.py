"""Read the rows of a split of a user's own data set, and build the split once the classes are known."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from fecbench.core.errors import DataError
from fecbench.data.datasets.disk_rows import DiskRows
from fecbench.data.datasets.labels.classes import LEFT_OUT
from fecbench.data.datasets.labels.label_names import WrittenLabel
from fecbench.data.datasets.own.annotator_rows import check_one_row_a_text
from fecbench.data.datasets.own.columns import check_column_names
from fecbench.data.datasets.own.raters import RatedTexts, pooled
from fecbench.data.datasets.rows import split_from_columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from datasets import Dataset

    from fecbench.data.datasets.files.raw_rows import RawRow
    from fecbench.data.datasets.own.row_reader import OwnRow, RowReader


LABEL_COLUMNS = ("label", "labels", "weights")  # of a built split; texts in columns of these names aren't kept


@dataclass(frozen=True)
class ReadSplit:
    """The rows of a split as read.

    Attributes:
        columns: the columns of the first row in the file.
        texts: ``text`` and the other columns in which every row has a text.
        numbers: each row's cell of the label, by its number in ``cells``.
        cells: the different cells as written.
        rated: the number of each row's text if rows have raters; else empty.
        skipped: rows that ``where`` of the description left out.
        empty: rows without a text, which were left out.
        first_lines: how many rows of each cell are the first line of a file.
    """

    columns: Sequence[str]
    texts: Mapping[str, pa.ChunkedArray]
    numbers: array[int]
    cells: Mapping[str, WrittenLabel]
    rated: array[int] = field(default_factory=lambda: array("q"))
    skipped: int = 0
    empty: int = 0
    first_lines: Mapping[str, int] = field(default_factory=dict)

    def to_dataset(self, by_cell: Mapping[str, int]) -> Dataset:
        """Build the split with the class of each cell; rows of the class ``LEFT_OUT`` are left out."""
        by_number = np.array([by_cell[cell] for cell in self.cells], np.int64)
        labels = by_number[np.frombuffer(self.numbers, np.int64)]
        rows = split_from_columns({**self.texts, "label": pa.array(labels)})
        return rows.select(np.flatnonzero(labels != LEFT_OUT)) if LEFT_OUT in by_number else rows

    def to_label_sets(self, by_cell: Mapping[str, Mapping[int, float] | None], soft: bool) -> Dataset:
        """Build the split with the shares of the classes in each cell; rows of cells with None are left out.

        Args:
            by_cell: the shares of the classes in each cell as written, by number.
            soft: True to write the shares too.
        """
        shares, numbers = [by_cell[cell] for cell in self.cells], np.frombuffer(self.numbers, np.int64)
        if self.rated:
            shares = list(pooled((shares[number] for number in self.numbers), self.rated, len(self.texts["text"])))
            numbers = np.arange(len(shares))
        columns = {name: texts for name, texts in self.texts.items() if name not in LABEL_COLUMNS}
        labels, weights = _lists(shares, numbers)
        rows = split_from_columns({**columns, "labels": labels, **({"weights": weights} if soft else {})})
        is_kept = np.array([found is not None for found in shares], bool)[numbers]
        return rows if is_kept.all() else rows.select(np.flatnonzero(is_kept))

    def unlabelled(self) -> Dataset:
        """Return the texts of the rows, with their ids and groups if they have some."""
        return split_from_columns({name: self.texts[name] for name in ("text", "id", "group") if name in self.texts})


def _lists(shares: Sequence[Mapping[int, float] | None], numbers: np.ndarray) -> tuple[pa.ListArray, pa.ListArray]:
    """Return the labels and the weights of each row.

    Args:
        shares: the shares of classes in each cell, by number; None counts as none.
        numbers: number of each row's cell, int64 ``[N]``.

    >>> labels, weights = _lists([{2: 0.5, 3: 1.0}, None, {1: 1.0}], np.array([2, 0, 1, 0]))
    >>> labels.to_pylist(), weights.to_pylist()
    ([[1], [2, 3], [], [2, 3]], [[1.0], [0.5, 1.0], [], [0.5, 1.0]])
    """
    sizes = np.array([len(found or ()) for found in shares], np.int64)
    starts = np.cumsum(sizes) - sizes
    offsets = np.concatenate([[0], np.cumsum(sizes[numbers])])
    # the cells of all rows one after another, each from its start
    index = np.arange(offsets[-1]) + np.repeat(starts[numbers] - offsets[:-1], sizes[numbers])
    labels = np.array([label for found in shares for label in found or ()], np.int16)[index]
    weights = np.array([share for found in shares if found for share in found.values()], np.float32)[index]
    places = pa.array(offsets, pa.int32())
    return pa.ListArray.from_arrays(places, labels), pa.ListArray.from_arrays(places, weights)


def read_split(rows: Iterable[RawRow], reader: RowReader, where: str) -> ReadSplit:
    """Read and check the rows of a split.

    Raises:
        DataError: there is no row, or a row lacks a column or its text.
    """
    split = _read(rows, reader)
    if not split.texts:
        raise DataError(f"{where} must hold at least one row, but {_why_empty(reader)}")
    _check_header(reader, split.columns, split.cells)
    if not (reader.description.columns.where or split.rated):
        text = (value.as_py() for value in split.texts["text"])
        check_one_row_a_text(split.columns, zip(text, split.numbers, strict=True), where)
    return split


def _read(rows: Iterable[RawRow], reader: RowReader) -> ReadSplit:
    """Read the rows of a split onto the disk."""
    # A row's label is kept as a number of eight bytes: the rows lie on the disk, and a list of strings would not.
    cells, numbers, following = dict[str, WrittenLabel](), array("q"), iter(rows)
    first_lines = Counter[str]()
    columns: list[str] = []
    texts = RatedTexts() if reader.description.columns.rater is not None else None
    rated = array("q")
    with DiskRows() as disk_rows:
        for position, raw in following:
            row = reader.read(position, raw, following)
            columns = columns or list(raw)
            if row is None:
                continue
            numbers.append(_add_cell(cells, position, row))
            first_lines[row.label] += position.endswith(", line 1")
            is_new = True
            if texts is not None:
                number, is_new = texts.number(position, row)
                rated.append(number)
            if is_new:
                disk_rows.add(row.texts)
        written = disk_rows.finish()
    return ReadSplit(columns, written, numbers, cells, rated, reader.skipped, reader.empty, first_lines)


def _add_cell(cells: dict[str, WrittenLabel], position: str, row: OwnRow) -> int:
    """Count the cell of a row's label and return its number."""
    if row.label not in cells:
        cells[row.label] = WrittenLabel(len(cells), position)
    written = cells[row.label]
    written.rows += 1
    written.is_list |= row.is_list
    return written.number


def _why_empty(reader: RowReader) -> str:
    if reader.empty and not reader.skipped:
        return (
            f'empty = "drop" under [columns] leaves out all its {reader.empty:,} rows, which have no text; correct the '
            "column of the text, or add rows"
        )
    if not reader.skipped:
        return "is empty; add rows or remove it"
    return (
        f"where under [columns] leaves out all its {reader.skipped:,} rows, which have {', '.join(reader.seen)}; "
        "correct the value"
    )


def _check_header(reader: RowReader, names: Sequence[str], cells: Mapping[str, WrittenLabel]) -> None:
    """Raise DataError if the first line of a file, which names its columns, seems to be a row."""
    form = reader.description.format
    has_header = form.header and not form.columns and form.kind != "lines" and not form.pattern
    label = reader.columns.label if reader.columns else ()
    if has_header and len(label) == 1 and label[0] in cells:
        check_column_names(names, cells[label[0]].position, label[0])
