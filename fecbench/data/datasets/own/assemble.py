"""Turn the rows of a user's own data set, from files or the hub, into checked splits; errors name the row."""

from __future__ import annotations

from array import array
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from fecbench.core.errors import DataError
from fecbench.core.text import shortened
from fecbench.data.datasets.checks import check_splits
from fecbench.data.datasets.dataset import SPLITS, DatasetInfo, EmotionData
from fecbench.data.datasets.disk_rows import DiskRows
from fecbench.data.datasets.labels.classes import LEFT_OUT, find_classes
from fecbench.data.datasets.labels.label_map import check_known_classes
from fecbench.data.datasets.labels.label_names import WrittenLabel
from fecbench.data.datasets.own.annotator_rows import check_one_row_a_text
from fecbench.data.datasets.own.columns import check_column_names
from fecbench.data.datasets.own.row_reader import RowReader
from fecbench.data.datasets.rows import split_from_columns
from fecbench.data.datasets.splits.missing_splits import SplitChoice, check_foldable, cut_missing

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from datasets import Dataset

    from fecbench.data.datasets.description.schema import Column, Description, FileFormat, LabelDescription
    from fecbench.data.datasets.files.raw_rows import RawRow
    from fecbench.data.datasets.labels.given_names import GivenNames


NO_LABEL = {"", "-1"}  # cells of rows whose labels aren't published


@dataclass(frozen=True)
class ReadSplit:
    """The rows of a split as read.

    Attributes:
        columns: the columns of the first row in the file.
        texts: ``text`` and the other columns in which every row has a text.
        numbers: each row's cell of the label, by its number in ``cells``.
        cells: the different cells as written.
        skipped: rows that ``where`` of the description left out.
        empty: rows without a text, which were left out.
        first_lines: how many rows of each cell are the first line of a file.
    """

    columns: Sequence[str]
    texts: Mapping[str, pa.ChunkedArray]
    numbers: array[int]
    cells: Mapping[str, WrittenLabel]
    skipped: int = 0
    empty: int = 0
    first_lines: Mapping[str, int] = field(default_factory=dict)

    def to_dataset(self, by_cell: Mapping[str, int]) -> Dataset:
        """Build the split with the class of each cell; rows of the class ``LEFT_OUT`` are left out."""
        by_number = np.array([by_cell[cell] for cell in self.cells], np.int64)
        labels = by_number[np.frombuffer(self.numbers, np.int64)]
        rows = split_from_columns({**self.texts, "label": pa.array(labels)})
        return rows.select(np.flatnonzero(labels != LEFT_OUT)) if LEFT_OUT in by_number else rows

    def unlabelled(self) -> Dataset:
        """Return the texts of the rows, with their ids and groups if they have some."""
        return split_from_columns({name: self.texts[name] for name in ("text", "id", "group") if name in self.texts})


def assemble(
    rows: Mapping[str, Iterable[RawRow]],
    description: Description,
    given: GivenNames,
    info: DatasetInfo,
    source: str,
    choice: SplitChoice,
) -> EmotionData:
    """Build checked data with three splits.

    A test split without any label becomes ``unlabelled`` texts.

    Args:
        rows: for each split, the position and the columns of each row. Further text columns of a split are
            kept if all its rows have text in them.
        description: columns and labels of the rows.
        given: label names by number; if there are none, the training labels in sorted order.
        info: facts about the data set.
        source: location of the rows, for messages.
        choice: choice of the rows of splits that are cut from train.

    Raises:
        DataError: a row, a label or a split is invalid.
    """
    indicators = _indicator_columns(description, given, source)
    parts = {
        split: _read(rows[split], RowReader(description, given.names, split != "test"), f"{source}: {split}")
        for split in SPLITS
        if split in rows
    }
    unlabelled, notes = None, [note for split, part in parts.items() for note in _skipped_note(split, part)]
    first_line = _first_line_notes(parts.values(), description.format, source)
    if "test" in parts and _is_unlabelled(parts["test"], given.names):
        unlabelled = parts.pop("test").unlabelled()
    cells = {split: part.cells for split, part in parts.items()}
    classes = find_classes(cells, description.labels, given, bool(indicators), source)
    splits = {split: part.to_dataset(classes.by_cell[split]) for split, part in parts.items()}
    _check_not_left_out(splits, classes.labels, description.labels, source)
    missing = choice.missing(splits, unlabelled is not None)
    if choice.folds is not None:
        check_foldable(missing, source)
    with _hint(first_line):
        _check_enough_to_cut(parts["train"].cells, classes.by_cell["train"], classes.labels, choice, missing, source)
    descriptions = _descriptions(description, given, classes.labels, source)
    notes += [*first_line, *classes.notes]
    data = EmotionData(info, classes.labels, splits, source, descriptions, notes=tuple(notes), unlabelled=unlabelled)
    return check_splits(cut_missing(data, choice, source), source)


def _indicator_columns(description: Description, given: GivenNames, where: str) -> list[Column]:
    """Return the columns of 0 and 1, one for each label; ``[]`` if labels are written otherwise.

    Raises:
        DataError: there is another number of names.
    """
    columns = description.columns.label if isinstance(description.columns.label, list) else []
    if columns and given.names and len(given.names) != len(columns):
        raise DataError(
            f"{where}: each column of label under [columns] needs one name, but there are {len(columns)} columns and "
            f"{len(given.names)} names; correct names under [labels], or leave it out"
        )
    return columns


def _read(rows: Iterable[RawRow], reader: RowReader, where: str) -> ReadSplit:
    """Read and check the rows of a split.

    Raises:
        DataError: there is no row, or a row lacks a column or its text.
    """
    split = _read_rows(rows, reader)
    if not split.texts:
        raise DataError(f"{where} must hold at least one row, but {_why_empty(reader)}")
    _check_header(reader, split.columns, split.cells)
    if not reader.description.columns.where:
        text = (value.as_py() for value in split.texts["text"])
        check_one_row_a_text(split.columns, zip(text, split.numbers, strict=True), where)
    return split


def _read_rows(rows: Iterable[RawRow], reader: RowReader) -> ReadSplit:
    """Read the rows of a split onto the disk."""
    # A row's label is kept as a number of eight bytes: the rows lie on the disk, and a list of strings would not.
    cells, numbers, following = dict[str, WrittenLabel](), array("q"), iter(rows)
    first_lines = Counter[str]()
    columns: list[str] = []
    with DiskRows() as disk_rows:
        for position, raw in following:
            row = reader.read(position, raw, following)
            columns = columns or list(raw)
            if row is None:
                continue
            if row.label not in cells:
                cells[row.label] = WrittenLabel(len(cells), position)
            cells[row.label].rows += 1
            first_lines[row.label] += position.endswith(", line 1")
            numbers.append(cells[row.label].number)
            disk_rows.add(row.texts)
        texts = disk_rows.finish()
    return ReadSplit(columns, texts, numbers, cells, reader.skipped, reader.empty, first_lines)


def _check_not_left_out(
    splits: Mapping[str, Dataset], classes: Sequence[str], labels: LabelDescription, where: str
) -> None:
    """Raise DataError if ``labels`` of a description leave out all rows of a split, or all classes but one."""
    drops = {f'{key} = "drop"': getattr(labels, key) == "drop" for key in ("several", "none")}
    changes = {key: bool(getattr(labels, key)) for key in ("map", "drop", "keep")}
    keys = " and ".join(key for key, given in {**changes, **drops}.items() if given)
    empty = [split for split, rows in splits.items() if not len(rows)]
    if keys and empty:
        raise DataError(
            f"{where}: {empty[0]} must hold at least one row, but {keys} under [labels] in dataset.toml leaves out all "
            "its rows; correct it, or add rows"
        )
    if keys and len(classes) < 2:
        raise DataError(
            f"{where}: at least two labels are needed, but {keys} under [labels] in dataset.toml leaves "
            f"{shortened(classes) or 'none'}; correct it"
        )


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


def _first_line_notes(parts: Collection[ReadSplit], form: FileFormat, where: str) -> list[str]:
    """Return a note if the first line of a file that is read without a header seems to name the columns.

    Raises:
        DataError: so do the first lines of several files.
    """
    if form.header and not form.columns:
        return []
    rows, first = Counter[str](), Counter[str]()
    for part in parts:
        rows.update({cell: written.rows for cell, written in part.cells.items()})
        first.update(part.first_lines)
    alone = [cell for cell in rows if cell not in NO_LABEL and rows[cell] == first[cell]]
    if not alone:
        return []
    position = next(part.cells[alone[0]].position for part in parts if alone[0] in part.cells)
    told = (
        f"{position}: the first line looks like the names of columns, since no other line has the label {alone[0]!r}; "
        "if it is, leave out --no-header, or header = false and columns under [format] in dataset.toml, and name "
        "the columns of text and label"
    )
    if rows[alone[0]] > 1:
        raise DataError(f"{where}: {told}; if it isn't, move the row down (other files begin with the same label)")
    return [told]


@contextmanager
def _hint(notes: Sequence[str]) -> Iterator[None]:
    """Add ``notes``, which may tell the cause, to a DataError."""
    try:
        yield
    except DataError as error:
        raise DataError(". ".join([str(error), *notes])) from None


def _is_unlabelled(test: ReadSplit, names: Sequence[str]) -> bool:
    """Return True if no row of the test split has a label; -1 is how ``datasets`` writes that, beside given names."""
    return set(test.cells) <= (NO_LABEL - set(names) if names else {""})


def _skipped_note(split: str, part: ReadSplit) -> list[str]:
    notes = []
    if part.skipped:
        notes.append(f"{part.skipped:,} rows of {split} aren't read, as where under [columns] says")
    if part.empty:
        rows = "1 row" if part.empty == 1 else f"{part.empty:,} rows"
        notes.append(f"left out: {rows} of {split} without a text")
    return notes


def _descriptions(description: Description, given: GivenNames, labels: Sequence[str], where: str) -> dict[str, str]:
    """Return the descriptions of the classes: those of the file of names, and those in ``dataset.toml``, which win.

    Raises:
        DataError: a class that is described in ``dataset.toml`` doesn't exist.
    """
    own = description.labels.descriptions
    check_known_classes(own, labels, "descriptions", where)
    return {label: text for label, text in {**given.descriptions, **own}.items() if label in labels}


def _check_enough_to_cut(
    cells: Mapping[str, WrittenLabel],
    by_cell: Mapping[str, int],
    labels: Sequence[str],
    choice: SplitChoice,
    cut: Sequence[str],
    where: str,
) -> None:
    """Raise DataError if a class has too few training rows to give one to each split that is ``cut`` from train."""
    rows, first, needed = Counter[int](), dict[int, str](), choice.rows_needed(cut)
    for cell, written in cells.items():
        rows[by_cell[cell]] += written.rows
        first.setdefault(by_cell[cell], written.position)
    rare = [
        f"{labels[number]!r} has {count} ({first[number]})"
        for number, count in rows.items()
        if number != LEFT_OUT and count < needed
    ]
    if cut and rare:
        raise DataError(
            f"{where}: to cut {choice.words(cut)} from train, every class needs at least {needed} training rows, but "
            f"{shortened(rare)}; correct a label that is mistyped, leave the class out or join it with another (drop "
            f"or map under [labels] in dataset.toml), add rows, or {choice.remedy(cut)}"
        )
