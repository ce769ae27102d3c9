"""The rows of one split: build, read in chunks and digest them."""

from __future__ import annotations

import hashlib
from itertools import chain
from typing import TYPE_CHECKING, TypeVar
from uuid import uuid4

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from datasets import Dataset


CHUNK = 10_000
T = TypeVar("T")


def chunks(values: Sequence[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    """Yield ``values`` in chunks of ``size``, so that only one chunk of a column on the disk is in memory.

    >>> list(chunks("abcde", 2))
    ['ab', 'cd', 'e']
    """
    for start in range(0, len(values), size):
        yield values[start : start + size]


def values(column: Sequence[T]) -> Iterator[T]:
    """Yield the values of a column on the disk, of which one chunk at a time is in memory."""
    return chain.from_iterable(chunks(column))


def label_columns_of(rows: Dataset) -> list[str]:
    """Return the columns that hold the labels of a split: ``label``, or ``labels`` with or without ``weights``.

    Rows with the column ``label`` may have texts in columns of the other names. Rows without labels have none of them.
    """
    if "label" in rows.column_names:
        return ["label"]
    return [column for column in ("labels", "weights") if column in rows.column_names]


def labels_of(rows: Dataset) -> np.ndarray:
    """Return the labels of a split, int64 ``[N]``."""
    parts = [np.asarray(part, np.int64) for part in chunks(rows["label"])]
    return np.concatenate(parts) if parts else np.empty(0, np.int64)


def targets_of(rows: Dataset, classes: int) -> np.ndarray:
    """Return the targets of a split, float32 ``[N, C]``: 1 at each label of a row, or the label's weight, else 0."""
    targets = np.zeros((len(rows), classes), np.float32)
    if "label" in rows.column_names:
        targets[np.arange(len(rows)), labels_of(rows)] = 1
        return targets
    for start in range(0, len(rows), CHUNK):
        part = rows[start : start + CHUNK]
        owners = np.repeat(np.arange(len(part["labels"])), [len(labels) for labels in part["labels"]])
        labels = np.fromiter(chain.from_iterable(part["labels"]), np.int64)
        weights = np.fromiter(chain.from_iterable(part["weights"]), np.float32) if "weights" in part else 1
        targets[start + owners, labels] = weights
    return targets


def label_shares(rows: Dataset, classes: int) -> np.ndarray:
    """Return each label's share of a split's rows, float64 ``[C]``, clipped to ``[0.5 / N, 1 - 0.5 / N]``.

    So logarithms and logits of it are finite, also for a label without rows.
    """
    soft = "weights" in label_columns_of(rows)
    counts = targets_of(rows, classes).sum(0) if soft else class_counts(rows, classes)
    shares: np.ndarray = np.clip(counts, 0.5, len(rows) - 0.5) / len(rows)
    return shares


def class_counts(rows: Dataset, classes: int) -> np.ndarray:
    """Return the number of rows of a split that have each label, int64 ``[C]``."""
    if "label" in rows.column_names:
        return np.bincount(labels_of(rows), minlength=classes)
    counts: np.ndarray = (targets_of(rows, classes) > 0).sum(0)
    return counts


def split_from_columns(columns: Mapping[str, object]) -> Dataset:
    """Build a split from its columns: ``label`` becomes int64, ``labels`` lists of int16, ``weights`` lists of float32.

    All other columns become strings.

    Columns are sequences, or Arrow arrays, which are used without conversion.
    """
    import pyarrow as pa
    from datasets import Dataset
    from datasets.table import InMemoryTable

    sets = {"labels": pa.list_(pa.int16()), "weights": pa.list_(pa.float32())}
    types = {"label": pa.int64()} if "label" in columns else sets  # beside a label, columns of these names hold texts

    def array(name: str, values: object) -> object:
        if isinstance(values, pa.Array | pa.ChunkedArray):
            return values
        return pa.array(values, types.get(name, pa.string()))

    rows = pa.table({name: array(name, values) for name, values in columns.items()})
    # without a fingerprint, datasets would pickle all rows to compute one
    return Dataset(InMemoryTable(rows), fingerprint=uuid4().hex)


def digest_rows(rows: Dataset, labels: Sequence[str]) -> str:
    """Return the SHA-256 of all columns of a split, with labels by name.

    Label numbers don't matter: code bases number the labels of one data set differently. Nor does the order of a row's
    labels.
    """
    sha = hashlib.sha256()
    weights = set(label_columns_of(rows)[1:])  # they are digested with their labels
    for column in sorted(set(rows.column_names) - weights):
        sha.update(f"{column}\x1d".encode())
        for number, part in enumerate(_parts(rows, column, labels)):
            if number:
                sha.update(b"\x1e")
            sha.update("\x1e".join(map(_escape_separators, part)).encode())
    return sha.hexdigest()


def _parts(rows: Dataset, column: str, labels: Sequence[str]) -> Iterator[Iterable[str]]:
    """Yield a column in chunks of texts, with labels by name."""
    held = label_columns_of(rows)
    if column == "label":
        yield from ((labels[value] for value in part) for part in chunks(rows[column]))
    elif held == ["labels", "weights"] and column == "labels":
        for sets, weights in zip(chunks(rows[column]), chunks(rows["weights"]), strict=True):
            yield (_weighted_names(*row, labels) for row in zip(sets, weights, strict=True))
    elif held == ["labels"] and column == "labels":
        yield from ((_names(numbers, labels) for numbers in part) for part in chunks(rows[column]))
    else:
        yield from chunks(rows[column])


def _names(numbers: Iterable[int], labels: Sequence[str]) -> str:
    """Return the names of a row's labels as one text, the same in any order."""
    return "\x1f".join(sorted(_escape_joint(labels[number]) for number in numbers))


def _weighted_names(numbers: Iterable[int], weights: Iterable[float], labels: Sequence[str]) -> str:
    """Return the names of a row's labels with their weights as one text, the same in any order."""
    return "\x1f".join(
        sorted(f"{_escape_joint(labels[number])}={weight!r}" for number, weight in zip(numbers, weights, strict=True))
    )


def _escape_joint(name: str) -> str:
    """Escape the mark that joins the names of a row's labels."""
    return name.replace("\x10", "\x10p").replace("\x1f", "\x10j")


def _escape_separators(value: str) -> str:
    """Escape the column and row separators used in the digest."""
    # Otherwise a text that holds a separator could look like two texts.
    return value.replace("\x10", "\x10p").replace("\x1d", "\x10c").replace("\x1e", "\x10r")
