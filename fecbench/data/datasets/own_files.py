"""Read the user's own data set: a folder with train, validation and test files, or a training file alone."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from fecbench.core import registry
from fecbench.core.errors import DataError, DataNotFound
from fecbench.core.text import shortened
from fecbench.data.datasets.builtin.empathetic_dialogues import official_rows_note
from fecbench.data.datasets.dataset import SPLITS, DatasetInfo, EmotionData
from fecbench.data.datasets.file_formats import READERS, Reading, class_names, read_rows, text_of
from fecbench.data.datasets.own_rows import assemble

if TYPE_CHECKING:
    from pathlib import Path

    from fecbench.data.datasets.columns import Columns
    from fecbench.data.datasets.delimited import Quotes
    from fecbench.data.datasets.missing_splits import SplitChoice


STEMS = {"train": ("train",), "validation": ("validation", "valid", "val", "dev"), "test": ("test",)}
LABEL_FILE = "labels.txt"


def load_path(path: Path, columns: Columns, choice: SplitChoice, quotes: Quotes = "csv") -> EmotionData:
    """Load the data set in the folder or file ``path``; missing splits are cut from train by ``choice``.

    Label names by index are read from ``labels.txt`` in the folder (one a line, optionally followed by a TAB
    and a description) or from the schema of a Parquet file written by ``datasets``. Without them, the
    training labels in sorted order are the names.

    Raises:
        DataNotFound: there is no training file at ``path``.
        DataError: a file can't be read, or a row or split is invalid; the message names file and line.
    """
    # lexists: a link to nothing must be refused, not taken for a missing file.
    if os.path.lexists(path) and not (path.is_file() or path.is_dir()):
        raise DataError(_not_a_file(path))
    files, notes = ({"train": path}, []) if path.is_file() else _split_files(path)
    name = path.resolve().stem if path.is_file() else path.resolve().name
    # A folder called ge must not pass for the registered set.
    info = DatasetInfo(
        f"{name} (own)" if name in registry.datasets else name, "a data set of the user's own", "unknown", ""
    )
    labels, reading = _labels(path), Reading(columns, quotes)
    names = tuple(labels) or class_names(files["train"], columns)
    rows = {split: read_rows(file, reading) for split, file in files.items()}
    data = assemble(rows, columns, names, info, str(path), choice)
    descriptions = {name: description for name, description in labels.items() if description}
    notes += official_rows_note(data.columns, columns.text)
    return replace(data, descriptions=descriptions, notes=(*notes, *data.notes))


def _split_files(folder: Path) -> tuple[dict[str, Path], list[str]]:
    """Return the file of each split in ``folder``, and notes on files with similar names.

    Files called exactly after the splits are used. If there are none, files with a split's word in their
    names are used instead, provided that they are unambiguous and one is for training.
    """
    if not folder.is_dir():
        raise DataNotFound(
            f"{folder} doesn't exist; give a folder with train, validation and test files, or a training file"
        )
    exact = {split: file for split in SPLITS if (file := _file_of(split, folder))}
    similar = {split: _files_with_word(split, folder) for split in SPLITS if split not in exact}
    if "train" in exact:
        return exact, [
            f"{shortened(files)} isn't read; call it {split} to use it as {split}"
            for split, files in similar.items()
            if files
        ]
    if exact or len(similar["train"]) != 1 or any(len(files) > 1 for files in similar.values()):
        raise DataNotFound(_no_training_file(folder))
    chosen = {split: folder / files[0] for split, files in similar.items() if files}
    return chosen, [f"read by their names: {', '.join(f'{file.name} as {split}' for split, file in chosen.items())}"]


def _file_of(split: str, folder: Path) -> Path | None:
    """Return the one file in ``folder`` that is called exactly after ``split``, or None.

    Raises:
        DataError: there are several, or it is not a file.
    """
    paths = [folder / f"{stem}{suffix}" for stem in STEMS[split] for suffix in READERS]
    files = [path for path in paths if os.path.lexists(path)]
    if len(files) > 1:
        names = ", ".join(file.name for file in files)
        raise DataError(f"{folder}: one {split} file is needed, found {names}; remove all but one")
    if files and not files[0].is_file():
        raise DataError(_not_a_file(files[0]))
    return files[0] if files else None


def _files_with_word(split: str, folder: Path) -> list[str]:
    """Return the files in ``folder`` whose names have a word for ``split`` alone, such as ``dev_sent_emo.csv``."""
    files = (file for file in folder.iterdir() if file.suffix.lower() in READERS and file.is_file())
    return sorted(file.name for file in files if _splits_in(file.stem) == [split] and not file.name.startswith("."))


def _splits_in(name: str) -> list[str]:
    """Return the splits whose words occur in a file's name."""
    # Not \b, for which an underscore is part of a word, as in dev_sent_emo.csv.
    return [
        split for split in SPLITS if re.search(rf"(?<![a-z])({'|'.join(STEMS[split])})(?![a-z])", name, re.IGNORECASE)
    ]


def _no_training_file(folder: Path) -> str:
    """Return the error message for a ``folder`` without a training file, with the folder's content."""
    entries = sorted(f"{entry.name}{os.sep}" if entry.is_dir() else entry.name for entry in folder.iterdir())
    wanted = ", ".join(f"train{suffix}" for suffix in READERS)
    content = f"it holds {shortened(entries, 10)}" if entries else "it is empty"
    return (
        f"{folder} must hold a training file ({wanted}); none is there: {content}. Rename or copy yours (train, "
        "validation and test with such an ending), or give the file itself or another folder as --dataset"
    )


def _not_a_file(path: Path) -> str:
    return f"{path} must be a file, but is a folder, a pipe or a link to nothing; put a file there or remove it"


def _labels(path: Path) -> dict[str, str]:
    """Read names and descriptions of the labels, in the order of their indices; ``{}`` if there is no such file.

    Raises:
        DataError: it is not a file, names fewer than two labels, or names one twice.
    """
    file = path / LABEL_FILE
    if not path.is_dir() or not os.path.lexists(file):
        return {}
    if not file.is_file():
        raise DataError(_not_a_file(file))
    lines = [line.strip().partition("\t") for line in text_of(file).split("\n") if line.strip()]
    names = [name.strip() for name, _, _ in lines]
    if len(names) < 2:
        raise DataError(
            f"{file} must name at least two labels, one a line, found {len(names)}; write them or remove the file"
        )
    repeated = [name for name in names if names.count(name) > 1]
    if repeated:
        raise DataError(
            f"{file} must name each label once, but names {repeated[0]!r} {names.count(repeated[0])} times; "
            "remove the repeated lines"
        )
    return {name: description.strip() for name, (_, _, description) in zip(names, lines, strict=True)}
