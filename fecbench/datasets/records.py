"""Rows of a user's own data set, from wherever they were read, to checked splits; every error says where the row stands."""

from __future__ import annotations

import unicodedata
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from fecbench.datasets.core import SPLITS, DatasetInfo, EmotionData, check_splits, labels_of, some, table
from fecbench.datasets.splitting import cut_missing
from fecbench.datasets.spooling import Spool
from fecbench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from datasets import Dataset

    Row = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Columns:
    """The names of the columns that hold text and label."""

    text: str
    label: str


@dataclass(frozen=True)
class Record:
    """A row's text and label as written, and its other texts (such as a paraphrase in ``aug_text``)."""

    text: str
    label: str
    others: Mapping[str, str]


def assemble(
    rows: Mapping[str, Iterable[Row]], columns: Columns, names: Sequence[str], info: DatasetInfo, source: str, split_seed: int
) -> EmotionData:
    """Checked data of three splits from ``rows``: for each split, where each row stands and its columns.

    ``names`` are label names by index, or empty: then the training labels, sorted. Further columns of a split are kept where each of
    its rows has text in them. Splits that are missing are cut from train.

    Raises:
        DataError: a row, a label or a split isn't what it must be.
    """
    index = {str(number): number for number in range(len(names))}  # a file with names may use their numbers
    index |= {label: number for number, label in enumerate(names)}
    labels, splits = tuple(names), {}
    for split in (split for split in SPLITS if split in rows):
        splits[split], found = _split(rows[split], columns, index, f"{source}: {split}")
        if not index:
            labels = _ordered(found)
            splits[split] = _renumbered(splits[split], [labels.index(label) for label in found])
            index = {label: number for number, label in enumerate(labels)}
    _told_apart(labels, source)
    cut = tuple(split for split in SPLITS if split not in splits)
    return check_splits(EmotionData(info, labels, cut_missing(splits, split_seed, source), source, cut=cut), source)


def _split(rows: Iterable[Row], columns: Columns, index: Mapping[str, int], where: str) -> tuple[Dataset, list[str]]:
    """A split, and its labels by number: those of ``index``, or where that is empty all that are met, in that order."""
    met, numbers = dict(index), array("q")
    with Spool() as spool:
        for place, row in rows:
            record = _record(place, row, columns)
            if index and record.label not in index:
                known = some(list(index))
                raise DataError(f"{place}: the label {record.label!r} isn't one of {known}; correct it, or add training rows of it")
            numbers.append(met.setdefault(record.label, len(met)))
            spool.add({"text": record.text, **dict(sorted(record.others.items()))})
        texts = spool.finish()
    if not texts:
        raise DataError(f"{where} must hold at least one row, but is empty; add rows or remove it")
    return table({**texts, "label": pa.array(np.frombuffer(numbers, np.int64))}), list(met)


def _renumbered(rows: Dataset, numbers: Sequence[int]) -> Dataset:
    """The same rows, label ``n`` now being ``numbers[n]``."""
    arrow = {name: rows.data.column(name) for name in rows.column_names}
    return table({**arrow, "label": pa.array(np.asarray(numbers)[labels_of(rows)])})


def _record(where: str, row: Mapping[str, Any], columns: Columns) -> Record:
    for column, flag in ((columns.text, "--text-column"), (columns.label, "--label-column")):
        if column not in row:
            raise DataError(f"{where}: the column {column!r} is missing, found {', '.join(map(str, row))}; name yours with {flag}")
    text, label = row[columns.text], row[columns.label]
    if not isinstance(text, str) or not text.strip():
        raise DataError(f"{where}: the text must not be empty, found {text!r}; write one or remove the row")
    if not isinstance(label, str | int) or isinstance(label, bool) or not str(label).strip():
        raise DataError(f"{where}: the label must be one name or whole number, found {label!r}; correct or remove the row")
    own = {columns.text, columns.label, "text", "label"}
    others = {name: value for name, value in row.items() if name not in own and isinstance(value, str) and value.strip()}
    record = Record(text, str(label).strip(), others)
    _check_unicode(where, record)
    return record


def _check_unicode(where: str, record: Record) -> None:
    """Raises DataError where a text, the label or a column's name holds half a character, which JSON can spell and no file can hold."""
    for value in (record.text, record.label, *record.others, *record.others.values()):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise DataError(f"{where}: all text must be valid Unicode, found {value!r}; remove the lone surrogate") from None


def _told_apart(labels: Sequence[str], where: str) -> None:
    """Raises DataError where two labels differ in what can't be seen: how an accent is written, or a character without width."""
    seen: dict[str, str] = {}
    for label in labels:
        shown = "".join(character for character in unicodedata.normalize("NFKC", label) if unicodedata.category(character) != "Cf")
        if shown in seen:
            raise DataError(f"{where}: labels must look different, but {seen[shown]!a} and {label!a} don't; write them alike")
        seen[shown] = label


def _ordered(labels: Iterable[str]) -> tuple[str, ...]:
    """Whole numbers by value, names by alphabet."""
    labels = list(labels)
    numbers = all(label.isascii() and label.isdecimal() for label in labels)
    return tuple(sorted(labels, key=lambda label: (len(label.lstrip("0")), label.lstrip("0"), label)) if numbers else sorted(labels))
