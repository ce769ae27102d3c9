"""Rows of a user's own data set, from wherever they were read, to checked splits; every error says where the row stands."""

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
from fecbench.data.datasets.columns import Columns, check_column_names, check_columns
from fecbench.data.datasets.dataset import SPLITS, DatasetInfo, EmotionData, table
from fecbench.data.datasets.disk_rows import DiskRows
from fecbench.data.datasets.label_names import (
    ONE_LABEL,
    Met,
    check_from_zero,
    check_known,
    check_labelled,
    check_one_each,
    check_told_apart,
    label_notes,
    ordered,
)
from fecbench.data.datasets.missing_splits import cut_missing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from datasets import Dataset

    from fecbench.data.datasets.columns import RawRow


__all__ = ["Columns", "OwnRow", "assemble"]


@dataclass(frozen=True)
class OwnRow:
    """A row's text and label as written (empty where it has none), and its other texts (such as a paraphrase in ``aug_text``)."""

    text: str
    label: str
    others: Mapping[str, str]


@dataclass(frozen=True)
class Part:
    """The rows of a split as they were read.

    Attributes:
        texts: ``text`` and the other columns in which every row has a text.
        numbers: each row's label, by its number in ``labels``.
        labels: the labels as written.
    """

    texts: Mapping[str, pa.ChunkedArray]
    numbers: array[int]
    labels: Mapping[str, Met]

    def split(self, index: Mapping[str, int]) -> Dataset:
        """The rows, with labels numbered by ``index``."""
        by_number = np.array([index[label] for label in self.labels], np.int64)
        return table({**self.texts, "label": pa.array(by_number[np.frombuffer(self.numbers, np.int64)])})


def assemble(
    rows: Mapping[str, Iterable[RawRow]],
    columns: Columns,
    names: Sequence[str],
    info: DatasetInfo,
    source: str,
    split_seed: int,
) -> EmotionData:
    """Checked data of three splits from ``rows``: for each split, where each row stands and its columns.

    ``names`` are label names by index, or empty: then the training labels, sorted. Further columns of a split are kept where each of
    its rows has text in them. Splits that are missing are cut from train.

    Raises:
        DataError: a row, a label or a split isn't what it must be.
    """
    train = _read(rows["train"], columns, f"{source}: train")
    if not names:
        check_one_each(train.labels)
    check_from_zero(train.labels, names)
    labels = tuple(names) or ordered(train.labels)
    check_told_apart(labels, source)
    index = {str(number): number for number in range(len(names))}  # a file with names may use their numbers
    index |= {label: number for number, label in enumerate(labels)}
    splits = {}
    for split in (split for split in SPLITS if split in rows):
        part = train if split == "train" else _read(rows[split], columns, f"{source}: {split}")
        check_known(part.labels, index, bool(names))
        splits[split] = part.split(index)
    cut = tuple(split for split in SPLITS if split not in splits)
    _check_enough_to_cut(train.labels, index, labels, cut, source)
    notes = tuple(label_notes(labels, bool(names)))
    return check_splits(
        EmotionData(info, labels, cut_missing(splits, labels, split_seed, source), source, cut=cut, notes=notes), source
    )


def _read(rows: Iterable[RawRow], columns: Columns, where: str) -> Part:
    """The rows of a split.

    Raises:
        DataError: there is none, or one lacks a column, its text or its label.
    """
    labels, numbers, names = dict[str, Met](), array("q"), list[str]()
    rows = iter(rows)
    with DiskRows() as spool:
        for place, row in rows:
            check_columns(place, row, rows, columns)
            names = names or list(map(str, row))
            record = _record(place, row, columns)
            met = labels.get(record.label) or labels.setdefault(record.label, Met(len(labels), place))
            met.rows += 1
            numbers.append(met.number)
            spool.add({"text": record.text, **dict(sorted(record.others.items()))})
        texts = spool.finish()
    if not texts:
        raise DataError(f"{where} must hold at least one row, but is empty; add rows or remove it")
    check_labelled(labels, len(numbers), where)
    if columns.label in labels:
        check_column_names(names, labels[columns.label].place, columns)
    return Part(texts, numbers, labels)


def _check_enough_to_cut(
    met: Mapping[str, Met], index: Mapping[str, int], labels: Sequence[str], cut: Sequence[str], where: str
) -> None:
    """Raises DataError where a class has too few training rows for a row in each split that must be cut from them."""
    rows = Counter[int]()
    for label, found in met.items():
        rows[index[label]] += found.rows
    rare = [
        f"{labels[index[label]]!r} has {rows[index[label]]} ({found.place})"
        for label, found in met.items()
        if rows[index[label]] <= len(cut)
    ]
    if cut and rare:
        raise DataError(
            f"{where}: to cut {' and '.join(cut)} from train, every class needs at least {len(cut) + 1} training rows, but {shortened(rare)}; "
            f"correct a label that is mistyped, add rows, or give {' and '.join(cut)} files"
        )


def _record(where: str, row: Mapping[str, Any], columns: Columns) -> OwnRow:
    text = row[columns.text]
    if text is not None and not isinstance(text, str):
        raise DataError(
            f"{where}: the text must be a string, found {text!r:.100}; write it as one, or name another column as --text-column"
        )
    if text is None or not text.strip():
        raise DataError(f"{where}: the text must not be empty, found {text!r}; write one or remove the row")
    own = {columns.text, columns.label, "text", "label"}
    others = {
        name: value for name, value in row.items() if name not in own and isinstance(value, str) and value.strip()
    }
    record = OwnRow(text, _label(where, row[columns.label]), others)
    _check_unicode(where, record)
    return record


def _label(where: str, value: object) -> str:
    """The label as text; a list as JSON writes it, for such lists to be told together with those in CSV."""
    if isinstance(value, list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    if value is not None and (not isinstance(value, str | int) or isinstance(value, bool)):
        raise DataError(f"{where}: {ONE_LABEL}, found {value!r}; correct or remove the row")
    return "" if value is None else str(value).strip()


def _check_unicode(where: str, record: OwnRow) -> None:
    """Raises DataError where a text, the label or a column's name holds half a character, which JSON can spell and no file can hold."""
    for value in (record.text, record.label, *record.others, *record.others.values()):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise DataError(
                f"{where}: all text must be valid Unicode, found {value!r}; remove the lone surrogate"
            ) from None
