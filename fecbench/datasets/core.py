"""What a data set is, how it is checked, and where it is looked for."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from uuid import uuid4

import numpy as np
from platformdirs import user_cache_path

from fecbench.errors import DataError, DataNotFound, PluginError
from fecbench.paths import expanded

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from datasets import Dataset

SPLITS = ("train", "validation", "test")
ENVIRONMENT = "FECBENCH_DATA"
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
        return tuple(f"{name}: {self.descriptions[name]}" if name in self.descriptions else name for name in self.labels)

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
    return Dataset(InMemoryTable(rows), fingerprint=uuid4().hex)  # left to itself it would pickle all rows to name them by


def check_splits(data: EmotionData, where: str) -> EmotionData:
    """``data``, once it can be trained on, with notes of classes that validation or test lacks and of labels that are numbers.

    Raises:
        DataError: fewer than two labels, an empty split, or training rows without one of the classes.
    """
    if len(data.labels) < 2:
        raise DataError(f"{where}: at least two labels are needed, found {list(data.labels)}; check the label column")
    notes = [*data.notes]
    for name, split in data.splits.items():
        if not len(split):
            raise DataError(f"{where}: {name} must hold at least one row, but is empty; add rows")
        counts = np.bincount(labels_of(split), minlength=len(data.labels))
        missing = [label for label, count in zip(data.labels, counts, strict=True) if not count]
        if missing and name == "train":
            raise DataError(
                f"{where}: train must hold every class, but has no row of {some(missing)}; add rows, or drop the class from all splits and "
                "labels.txt"
            )
        if missing:
            notes.append(
                f"{name} has no row of {some(missing)}: the class counts as 0 in macro F1 on {name}, and can only be predicted wrongly"
            )
    if data.nameless:
        notes.append(f"the labels are numbers ({some(data.nameless)}): labels.txt in the data set's folder can name them, one a line")
    return replace(data, notes=tuple(dict.fromkeys(notes)))


def check_loaded(data: object, who: str) -> EmotionData:
    """``data`` itself, once it is what a loader must give.

    Raises:
        PluginError: it isn't an EmotionData of three splits, or a row isn't a text and the number of a label.
        DataError: it can't be trained on and scored.
    """
    if not isinstance(data, EmotionData):
        raise PluginError(f"{who} must give a fecbench.EmotionData, but gave {type(data).__name__}; mend or uninstall it")
    if sorted(data.splits) != sorted(SPLITS):
        raise PluginError(f"{who} must give the splits {', '.join(SPLITS)}, but gave {some(sorted(data.splits))}; mend or uninstall it")
    if len(set(data.labels)) < len(data.labels) or not all(isinstance(label, str) and label for label in data.labels):
        raise PluginError(
            f"{who} must name each label once, but named {some([repr(label) for label in data.labels])}; mend or uninstall it"
        )
    for name, split in data.splits.items():
        lacking = sorted({"text", "label"} - set(split.column_names))
        if lacking:
            raise PluginError(f"{who} must give text and label, but {name} lacks {', '.join(lacking)}; mend or uninstall it")
        for number, (text, label) in enumerate(zip(split["text"][:], split["label"][:], strict=True)):
            if not isinstance(text, str) or not text.strip() or type(label) is not int or not 0 <= label < len(data.labels):
                found = f"row {number} of {name} is {text!r} with label {label!r}"
                raise PluginError(f"{who} must give texts with labels 0 to {len(data.labels) - 1}, but {found}; mend or uninstall it")
    return check_splits(data, who)


class Pin(NamedTuple):
    """What a split of a named data set must be: its number of rows and their checksum (:func:`digest_rows`)."""

    rows: int
    sha256: str


def check_pinned(data: EmotionData, pins: Mapping[str, Pin], where: str) -> EmotionData:
    """``data`` itself, once its rows are the pinned ones.

    Raises:
        DataError: the number of rows or their checksum differs.
    """
    for name, pin in pins.items():
        rows = data.splits[name]
        if len(rows) != pin.rows:
            raise DataError(f"{where}: the {name} split of {data.name} has {pin.rows:,} rows, found {len(rows):,}; {_REPLACE}")
        if digest_rows(rows, data.labels) != pin.sha256:
            raise DataError(f"{where}: the {name} rows aren't those of {data.name} (their checksum differs); {_REPLACE}")
    return data


_REPLACE = "put the original files back, or give yours as a path (--dataset path/to/folder)"


def some(names: Sequence[str], most: int = 5) -> str:
    """The first few names, and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


class Found(NamedTuple):
    """A folder that holds a data set, and in words how it was come by."""

    folder: Path
    place: str


class Source(NamedTuple):
    """Where rows would come from, in words, and whether that takes a network."""

    where: str
    network: bool = False

    @classmethod
    def of(cls, found: Found) -> Source:
        """A folder on this machine."""
        return cls(f"{found.folder} ({found.place})")


@dataclass(frozen=True)
class Places:
    """Where data is looked for: ``--data-dir``, then ``FECBENCH_DATA``, then the user cache. (The network comes last.)"""

    data_dir: Path | None = None
    environment: Path | None = field(
        default_factory=lambda: Path(expanded(os.environ[ENVIRONMENT])) if os.environ.get(ENVIRONMENT) else None
    )
    cache: Path = field(default_factory=lambda: user_cache_path("fecbench") / "data")

    def __iter__(self) -> Iterator[tuple[str, Path]]:
        if self.data_dir:
            yield "--data-dir", self.data_dir
        if self.environment:
            yield ENVIRONMENT, self.environment
        yield "user cache", self.cache

    def find(self, name: str, files: Sequence[str]) -> Found | None:
        """The first place that holds a folder ``name``, or is one, with all ``files``.

        Raises:
            DataNotFound: ``--data-dir`` or ``FECBENCH_DATA`` isn't a folder.
            DataError: a folder ``name`` holds only some of the files.
        """
        for place, root in self:
            if place != "user cache" and not root.is_dir():
                raise DataNotFound(f"{place} must be a folder, but {root} isn't; correct or leave it out")
            folder = root if root.name == name else root / name
            missing = [file for file in files if not (folder / file).is_file()]
            if not missing:
                return Found(folder, place)
            if len(missing) < len(files):
                raise DataError(f"{folder}: {name} needs {', '.join(files)}; missing: {', '.join(missing)}")
        return None

    def looked(self, name: str) -> str:
        """In words, for an error: the places that were looked at."""
        return ", ".join(f"{root / name} ({place})" for place, root in self)
