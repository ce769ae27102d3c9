"""What a data set is, how it is checked, and where it is looked for."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar
from uuid import uuid4

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from datasets import Dataset


SPLITS = ("train", "validation", "test")
CHUNK = 10_000
NUMBERED = re.compile(r"(label|class|category)?[\s_-]*[-+]?\d+(\.\d+)?", re.IGNORECASE)
T = TypeVar("T")


@dataclass(frozen=True)
class DatasetInfo:
    """What is known of a data set without loading it.

    ``rows`` are those of train, validation and test; ``settings`` are run settings that the data set asks for; ``note`` is said
    with every run.
    """

    name: str
    title: str
    licence: str
    homepage: str
    rows: tuple[int, ...] = ()
    labels: int | None = None
    settings: Mapping[str, object] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class EmotionData:
    """Texts and labels in three splits.

    Attributes:
        info: what the data set is.
        labels: label names; a row's label is an index into them.
        splits: ``train``, ``validation`` and ``test``, each with the columns ``text`` (string) and ``label`` (int64), and others, such as
            ``aug_text``, where the data set has them.
        source: where the rows came from, in words.
        descriptions: one short sentence for each label, where the data set brings them.
        cut: the splits that the data set lacks, which were cut from its training rows.
        notes: what must be said with every run on these rows.
    """

    info: DatasetInfo
    labels: tuple[str, ...]
    splits: Mapping[str, Dataset]
    source: str
    descriptions: Mapping[str, str] = field(default_factory=dict)
    cut: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The data set's name."""
        return self.info.name

    @property
    def columns(self) -> list[str]:
        """The columns of the training rows, the only ones of which batches are made; other splits may lack all but text and label."""
        return list(self.splits["train"].column_names)

    @property
    def label_texts(self) -> tuple[str, ...]:
        """``name: description`` of each label, or its name alone."""
        return tuple(
            f"{name}: {self.descriptions[name]}" if name in self.descriptions else name for name in self.labels
        )

    @property
    def nameless(self) -> tuple[str, ...]:
        """The label texts that are bare numbers, such as ``3`` or ``LABEL_3``: a method that reads labels learns nothing from them."""
        return tuple(text for text in self.label_texts if NUMBERED.fullmatch(text))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of every split's rows, all columns, labels by name: equal exactly for equal data."""
        return digest({name: digest_rows(split, self.labels) for name, split in self.splits.items()})


def digest(parts: Mapping[str, str]) -> str:
    """SHA-256 of named strings in the order of their names."""
    return hashlib.sha256("\n".join(f"{name} {parts[name]}" for name in sorted(parts)).encode()).hexdigest()


def digest_rows(rows: Dataset, labels: Sequence[str]) -> str:
    """SHA-256 of the rows of one split, labels by name, so that the numbering of labels doesn't matter."""
    sha = hashlib.sha256()
    for column in sorted(rows.column_names):
        sha.update(f"{column}\x1d".encode())
        for number, part in enumerate(chunks(rows[column])):
            values = (labels[value] for value in part) if column == "label" else part
            sha.update(("\x1e" * bool(number) + "\x1e".join(map(_without_marks, values))).encode())
    return sha.hexdigest()


def _without_marks(value: str) -> str:
    """``value``, with what parts columns and rows in a digest written otherwise, so that no text can look like two."""
    return value.replace("\x10", "\x10p").replace("\x1d", "\x10c").replace("\x1e", "\x10r")


def chunks(values: Sequence[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    """``values`` in parts of ``size``, so that of a column on the disk no more than a part is in memory.

    >>> list(chunks("abcde", 2))
    ['ab', 'cd', 'e']
    """
    for start in range(0, len(values), size):
        yield values[start : start + size]


def labels_of(rows: Dataset) -> np.ndarray:
    """The labels of a split, int64 ``[N]``."""
    return np.concatenate([np.empty(0, np.int64), *(np.asarray(part, np.int64) for part in chunks(rows["label"]))])


def table(columns: Mapping[str, object]) -> Dataset:
    """A split from its columns, sequences or Arrow's (which are taken as they are): ``label`` is int64, all others are strings."""
    import pyarrow as pa
    from datasets import Dataset
    from datasets.table import InMemoryTable

    def column(name: str, values: object) -> object:
        kind = pa.int64() if name == "label" else pa.string()
        return values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values, kind)

    rows = pa.table({name: column(name, values) for name, values in columns.items()})
    return Dataset(
        InMemoryTable(rows), fingerprint=uuid4().hex
    )  # left to itself it would pickle all rows to name them by
