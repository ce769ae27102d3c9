"""The rows of one split: build, read in chunks and digest them."""

from __future__ import annotations

import hashlib
from itertools import chain
from typing import TYPE_CHECKING, TypeVar
from uuid import uuid4

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

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


def labels_of(rows: Dataset) -> np.ndarray:
    """Return the labels of a split, int64 ``[N]``."""
    parts = [np.asarray(part, np.int64) for part in chunks(rows["label"])]
    return np.concatenate(parts) if parts else np.empty(0, np.int64)


def split_from_columns(columns: Mapping[str, object]) -> Dataset:
    """Build a split from its columns: ``label`` becomes int64, all others strings.

    Columns are sequences, or Arrow arrays, which are used without conversion.
    """
    import pyarrow as pa
    from datasets import Dataset
    from datasets.table import InMemoryTable

    def array(name: str, values: object) -> object:
        if isinstance(values, pa.Array | pa.ChunkedArray):
            return values
        return pa.array(values, pa.int64() if name == "label" else pa.string())

    rows = pa.table({name: array(name, values) for name, values in columns.items()})
    # without a fingerprint, datasets would pickle all rows to compute one
    return Dataset(InMemoryTable(rows), fingerprint=uuid4().hex)


def digest_rows(rows: Dataset, labels: Sequence[str]) -> str:
    """Return the SHA-256 of all columns of a split, with labels by name.

    Label numbers don't matter: code bases number the labels of one data set differently.
    """
    sha = hashlib.sha256()
    for column in sorted(rows.column_names):
        sha.update(f"{column}\x1d".encode())
        for number, part in enumerate(chunks(rows[column])):
            values = (labels[value] for value in part) if column == "label" else part
            if number:
                sha.update(b"\x1e")
            sha.update("\x1e".join(map(_escape_separators, values)).encode())
    return sha.hexdigest()


def _escape_separators(value: str) -> str:
    """Escape the column and row separators used in the digest."""
    # Otherwise a text that holds a separator could look like two texts.
    return value.replace("\x10", "\x10p").replace("\x1d", "\x10c").replace("\x1e", "\x10r")
