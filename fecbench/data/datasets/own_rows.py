"""Turn the rows of a user's own data set, from files or the hub, into checked splits; errors name the row."""

from __future__ import annotations

import json
from array import array
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from fecbench.core.errors import DataError
from fecbench.core.text import shortened
from fecbench.data.datasets.checks import check_splits
from fecbench.data.datasets.columns import check_column_names, check_columns
from fecbench.data.datasets.dataset import SPLITS, DatasetInfo, EmotionData
from fecbench.data.datasets.disk_rows import DiskRows
from fecbench.data.datasets.label_names import (
    ONE_LABEL,
    WrittenLabel,
    check_distinguishable,
    check_from_zero,
    check_known,
    check_labelled,
    check_one_each,
    label_notes,
    ordered,
)
from fecbench.data.datasets.missing_splits import SplitChoice, cut_missing
from fecbench.data.datasets.rows import split_from_columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from datasets import Dataset

    from fecbench.data.datasets.columns import Columns, RawRow


@dataclass(frozen=True)
class OwnRow:
    """A row's text, its label as written ("" if missing), and its other texts, such as a paraphrase in ``aug_text``."""

    text: str
    label: str
    others: Mapping[str, str]


@dataclass(frozen=True)
class Part:
    """The rows of a split as read.

    Attributes:
        texts: ``text`` and the other columns in which every row has a text.
        numbers: each row's label, by its number in ``labels``.
        labels: the different labels as written.
    """

    texts: Mapping[str, pa.ChunkedArray]
    numbers: array[int]
    labels: Mapping[str, WrittenLabel]

    def split(self, index: Mapping[str, int]) -> Dataset:
        """Build the split, with labels numbered by ``index``."""
        by_number = np.array([index[label] for label in self.labels], np.int64)
        labels = by_number[np.frombuffer(self.numbers, np.int64)]
        return split_from_columns({**self.texts, "label": pa.array(labels)})


def assemble(
    rows: Mapping[str, Iterable[RawRow]],
    columns: Columns,
    names: Sequence[str],
    info: DatasetInfo,
    source: str,
    choice: SplitChoice,
) -> EmotionData:
    """Build checked data with three splits.

    Args:
        rows: for each split, the position and the columns of each row. Further text columns of a split are
            kept if all its rows have text in them.
        columns: names of the columns of text and label.
        names: label names by index; if empty, the training labels in sorted order.
        info: description of the data set.
        source: location of the rows, for messages.
        choice: choice of the rows of splits that are cut from train.

    Raises:
        DataError: a row, a label or a split is invalid.
    """
    train = _read(rows["train"], columns, f"{source}: train")
    if not names:
        check_one_each(train.labels)
    check_from_zero(train.labels, names)
    labels = tuple(names) or ordered(train.labels)
    check_distinguishable(labels, source)
    index = {str(number): number for number in range(len(names))}  # a file with names may use their numbers
    index |= {label: number for number, label in enumerate(labels)}
    splits = {}
    for split in SPLITS:
        if split in rows:
            part = train if split == "train" else _read(rows[split], columns, f"{source}: {split}")
            check_known(part.labels, index, bool(names))
            splits[split] = part.split(index)
    _check_enough_to_cut(train.labels, index, labels, choice, choice.missing(splits), source)
    notes = tuple(label_notes(labels, bool(names)))
    data = EmotionData(info, labels, splits, source, notes=notes)
    return check_splits(cut_missing(data, choice, source), source)


def _read(rows: Iterable[RawRow], columns: Columns, where: str) -> Part:
    """Read the rows of a split.

    Raises:
        DataError: there is no row, or a row lacks a column, its text or its label.
    """
    # A row's label is kept as a number of eight bytes: the rows lie on the disk, and a list of strings would not.
    labels, numbers, column_names = dict[str, WrittenLabel](), array("q"), list[str]()
    rows = iter(rows)
    with DiskRows() as disk_rows:
        for position, cells in rows:
            check_columns(position, cells, rows, columns)
            column_names = column_names or list(map(str, cells))
            row = _own_row(position, cells, columns)
            if row.label not in labels:
                labels[row.label] = WrittenLabel(len(labels), position)
            labels[row.label].rows += 1
            numbers.append(labels[row.label].number)
            disk_rows.add({"text": row.text, **dict(sorted(row.others.items()))})
        texts = disk_rows.finish()
    if not texts:
        raise DataError(f"{where} must hold at least one row, but is empty; add rows or remove it")
    check_labelled(labels, len(numbers), where)
    if columns.label in labels:
        check_column_names(column_names, labels[columns.label].position, columns)
    return Part(texts, numbers, labels)


def _check_enough_to_cut(
    written: Mapping[str, WrittenLabel],
    index: Mapping[str, int],
    labels: Sequence[str],
    choice: SplitChoice,
    cut: Sequence[str],
    where: str,
) -> None:
    """Raise DataError if a class has too few training rows to give one to each split that is ``cut`` from train."""
    rows, needed = Counter[int](), choice.rows_needed(cut)
    for name, label in written.items():
        rows[index[name]] += label.rows
    rare = [
        f"{labels[index[name]]!r} has {rows[index[name]]} ({label.position})"
        for name, label in written.items()
        if rows[index[name]] < needed
    ]
    if cut and rare:
        raise DataError(
            f"{where}: to cut {choice.words(cut)} from train, every class needs at least {needed} training rows, but "
            f"{shortened(rare)}; correct a label that is mistyped, add rows, or {choice.remedy(cut)}"
        )


def _own_row(where: str, row: Mapping[str, Any], columns: Columns) -> OwnRow:
    """Check a row and return its text, label and other texts.

    Raises:
        DataError: the text is missing or not a string, the label is invalid, or a string is not valid Unicode.
    """
    text = row[columns.text]
    if text is not None and not isinstance(text, str):
        raise DataError(
            f"{where}: the text must be a string, found {text!r:.100}; write it as one, or name another column as "
            "--text-column"
        )
    if text is None or not text.strip():
        raise DataError(f"{where}: the text must not be empty, found {text!r}; write one or remove the row")
    reserved = {columns.text, columns.label, "text", "label"}
    others = {
        name: value for name, value in row.items() if name not in reserved and isinstance(value, str) and value.strip()
    }
    own_row = OwnRow(text, _label(where, row[columns.label]), others)
    _check_unicode(where, own_row)
    return own_row


def _label(where: str, value: object) -> str:
    """Return the label as text; lists become JSON, so that they are reported together with lists in CSV cells."""
    if isinstance(value, list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    if value is not None and (not isinstance(value, str | int) or isinstance(value, bool)):
        raise DataError(f"{where}: {ONE_LABEL}, found {value!r}; correct or remove the row")
    return "" if value is None else str(value).strip()


def _check_unicode(where: str, row: OwnRow) -> None:
    """Raise DataError if a text, the label or a column's name has a lone surrogate (allowed in JSON, not in UTF-8)."""
    for value in (row.text, row.label, *row.others, *row.others.values()):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise DataError(
                f"{where}: all text must be valid Unicode, found {value!r}; remove the lone surrogate"
            ) from None
