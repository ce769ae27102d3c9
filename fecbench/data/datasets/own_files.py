"""A data set of the user's own: a folder with train / validation / test, or a training file alone, as CSV, TSV, JSON or Parquet."""

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


STEMS = {"train": ("train",), "validation": ("validation", "valid", "val", "dev"), "test": ("test",)}
LABEL_FILE = "labels.txt"


def load_path(path: Path, columns: Columns, split_seed: int, quotes: Quotes = "csv") -> EmotionData:
    """The data set in the folder or file ``path``; missing splits are cut from train by ``split_seed``.

    Label names by index may stand in ``labels.txt`` of the folder, one a line, each with a TAB and a description if you like; or in the
    schema of a Parquet file that ``datasets`` wrote.

    Raises:
        DataNotFound: there is no training file at ``path``.
        DataError: a file can't be read, or a row or split isn't what it must be; the message names file and line.
    """
    if os.path.lexists(path) and not (path.is_file() or path.is_dir()):
        raise DataError(_no_file(path))
    files, notes = ({"train": path}, []) if path.is_file() else _split_files(path)
    name = path.resolve().stem if path.is_file() else path.resolve().name
    info = DatasetInfo(
        f"{name} (own)" if name in registry.datasets else name, "a data set of the user's own", "unknown", ""
    )
    labels, reading = _labels(path), Reading(columns, quotes)
    names = tuple(labels) or class_names(files["train"], columns)
    rows = {split: read_rows(file, reading) for split, file in files.items()}
    data = assemble(rows, columns, names, info, str(path), split_seed)
    descriptions = {name: description for name, description in labels.items() if description}
    notes += official_rows_note(data.columns, columns.text)
    return replace(data, descriptions=descriptions, notes=(*notes, *data.notes))


def _split_files(folder: Path) -> tuple[dict[str, Path], list[str]]:
    """The file of each split in ``folder``, and what must be said of files with other names."""
    if not folder.is_dir():
        raise DataNotFound(
            f"{folder} doesn't exist; give a folder with train, validation and test files, or a training file"
        )
    found: dict[str, Path] = {}
    for split in SPLITS:
        files = [
            file for stem in STEMS[split] for suffix in READERS if os.path.lexists(file := folder / f"{stem}{suffix}")
        ]
        if len(files) > 1:
            raise DataError(
                f"{folder}: one {split} file is needed, found {', '.join(file.name for file in files)}; remove all but one"
            )
        if files and not files[0].is_file():
            raise DataError(_no_file(files[0]))
        if files:
            found[split] = files[0]
    others = {split: _named_after(split, folder) for split in SPLITS if split not in found}
    if "train" in found:
        return found, [
            f"{shortened(files)} isn't read; call it {split} to use it as {split}"
            for split, files in others.items()
            if files
        ]
    if found or len(others["train"]) != 1 or any(len(files) > 1 for files in others.values()):
        raise DataNotFound(_no_training_file(folder))
    read = {split: folder / files[0] for split, files in others.items() if files}
    return read, [f"read by their names: {', '.join(f'{file.name} as {split}' for split, file in read.items())}"]


def _named_after(split: str, folder: Path) -> list[str]:
    """The files in ``folder`` with a word for ``split``, and for no other, in their names, such as ``dev_sent_emo.csv``."""
    files = (file for file in folder.iterdir() if file.suffix.lower() in READERS and file.is_file())
    return sorted(file.name for file in files if _splits_in(file.stem) == [split] and not file.name.startswith("."))


def _splits_in(name: str) -> list[str]:
    """The splits that words of a file's name stand for."""
    return [
        split for split in SPLITS if re.search(rf"(?<![a-z])({'|'.join(STEMS[split])})(?![a-z])", name, re.IGNORECASE)
    ]


def _no_training_file(folder: Path) -> str:
    """That no training file is in ``folder``, and what is there."""
    there = sorted(f"{file.name}{os.sep * file.is_dir()}" for file in folder.iterdir())
    wanted = ", ".join(f"train{suffix}" for suffix in READERS)
    found = f"it holds {shortened(there, 10)}" if there else "it is empty"
    return (
        f"{folder} must hold a training file ({wanted}); none is there: {found}. Rename or copy yours (train, validation and test with "
        "such an ending), or give the file itself or another folder as --dataset"
    )


def _no_file(path: Path) -> str:
    return f"{path} must be a file, but is a folder, a pipe or a link to nothing; put a file there or remove it"


def _labels(path: Path) -> dict[str, str]:
    """Names and descriptions of the labels, by index; nothing where there is no such file.

    Raises:
        DataError: it isn't a file of names, two at least, each of them once.
    """
    file = path / LABEL_FILE
    if not path.is_dir() or not os.path.lexists(file):
        return {}
    if not file.is_file():
        raise DataError(_no_file(file))
    lines = [line.strip().partition("\t") for line in text_of(file).split("\n") if line.strip()]
    names = [name.strip() for name, _, _ in lines]
    if len(names) < 2:
        raise DataError(
            f"{file} must name at least two labels, one a line, found {len(names)}; write them or remove the file"
        )
    repeated = [name for name in names if names.count(name) > 1]
    if repeated:
        raise DataError(
            f"{file} must name each label once, but {repeated[0]!r} stands there {names.count(repeated[0])} times"
        )
    return {name: description.strip() for name, (_, _, description) in zip(names, lines, strict=True)}
