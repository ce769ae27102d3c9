"""Read the user's own data set: a folder, a file, or a description (``dataset.toml``) that names the files."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fecbench.core import registry
from fecbench.core.errors import DataError, DataNotFound
from fecbench.core.paths import expanded
from fecbench.data.datasets.builtin.empathetic_dialogues import official_rows_note
from fecbench.data.datasets.checks import check_counts
from fecbench.data.datasets.dataset import SPLITS, EmotionData
from fecbench.data.datasets.description.facts import info_of
from fecbench.data.datasets.description.flags import FILE_FLAGS, Flags, with_flags
from fecbench.data.datasets.description.schema import Description, SplitFiles, SplitRows
from fecbench.data.datasets.description.toml_file import FILE, from_toml
from fecbench.data.datasets.description.wanted_columns import text_columns
from fecbench.data.datasets.files.file_formats import class_names, read_rows
from fecbench.data.datasets.files.opening import ZIP, members
from fecbench.data.datasets.files.published_files import renamed
from fecbench.data.datasets.files.read_errors import readable
from fecbench.data.datasets.files.source_files import SourceFile, check_read_once, source_files
from fecbench.data.datasets.files.split_files import files_beside, is_rows_file, recognised_files, unread_note
from fecbench.data.datasets.labels.given_names import LABEL_FILE, given_names
from fecbench.data.datasets.own.assemble import assemble

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fecbench.data.datasets.dataset import DatasetInfo
    from fecbench.data.datasets.description.schema import FileFormat
    from fecbench.data.datasets.files.raw_rows import RawRow
    from fecbench.data.datasets.splits.missing_splits import SplitChoice


UNTITLED = "a data set of the user's own"


def load_path(path: Path, flags: Flags, choice: SplitChoice) -> EmotionData:
    """Load the data set at ``path``; missing splits are cut from train by ``choice``.

    Args:
        path: a folder, in which ``dataset.toml`` may describe the data set; such a file of any name; or a training
            file, of which a ``dataset.toml`` beside it tells format, columns and labels.
        flags: flags of the run, which win over the description.
        choice: choice of the rows of splits that are cut from train.

    Raises:
        DataNotFound: there is no training file at ``path``.
        DataError: a file can't be read, or a row or split is invalid; the message names file and line.
    """
    with readable(path):
        own, folder = _described(path)
    recognised, notes = _recognised(own, folder, flags)
    description = _with_recognised(own, folder, recognised)
    is_folder = path.is_dir() or path.name == FILE
    name = description.name or (folder.resolve().name if is_folder else path.resolve().stem)
    # A folder called ge must not pass for the registered set.
    info = info_of(description, f"{name} (own)" if name in registry.datasets else name, UNTITLED)
    data = load_described(with_flags(description, flags), folder, choice, info, str(path), flags)
    if own.files.train:
        with suppress(OSError):  # a folder whose files can be read needn't show their names
            notes = unread_note(folder, data.reading["files"])
    data = replace(data, notes=(*notes, *data.notes))
    remedy = f"correct the files, or rows and classes in {FILE}"
    return check_counts(data, description.rows.declared, description.classes, str(path), remedy)


def load_described(
    description: Description,
    folder: Path,
    choice: SplitChoice,
    info: DatasetInfo,
    source: str,
    flags: Flags | None = None,
) -> EmotionData:
    """Load the data set that ``description`` describes.

    Args:
        description: the description, with the flags of the run.
        folder: folder to which its files are relative.
        choice: choice of the rows of splits that are cut from train.
        info: facts about the data set.
        source: location of the data set, for messages.
        flags: flags of the run, whose files may also be relative to the working directory.

    Raises:
        DataNotFound: a file doesn't exist.
        DataError: a file can't be read, or a row or split is invalid; the message names file and line.
    """
    with readable(folder):
        files = _files_of_splits(description, folder, flags or {})
    check_read_once(files, source)
    _check_counted(description.rows, files, source)
    form, columns = description.format, description.columns
    given = given_names(description, folder)
    if not given.names:
        given = replace(given, names=class_names(files["train"][0], columns))
    rows = {split: _rows(part, form, description) for split, part in files.items()}
    data = assemble(rows, description, given, info, source, choice)
    text = text_columns(columns)
    notes = official_rows_note(data.columns, str(text[0]) if len(text) == 1 else "")
    return replace(data, reading=_reading(description, folder, files), notes=(*notes, *data.notes))


def _described(path: Path) -> tuple[Description, Path]:
    """Return the description of the data set at ``path``, without flags, and the folder of its files.

    Raises:
        DataNotFound: there is nothing at ``path``.
        DataError: it is neither a file nor a folder, or the description is invalid.
    """
    try:
        path.lstat()  # not exists(): a link to nothing must be refused, not taken for a missing file
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: a NUL in the path
        raise DataNotFound(
            f"{path} doesn't exist; give a folder with train, validation and test files, a training file, or a {FILE}"
        ) from None
    if not (path.is_file() or path.is_dir()):
        raise DataError(f"{path} must be a file, but is a pipe or a link to nothing; put a file there or remove it")
    if path.is_dir():
        file = path / FILE
        description = from_toml(file) if os.path.lexists(file) else Description()
        return _with_label_file(description, path), path
    packed = [member for member in members(path) if is_rows_file(member)] if path.suffix.lower() == ZIP else []
    if len(packed) > 1:
        return Description(), path  # an archive is read like a folder
    if path.suffix.lower() == ".toml":
        return _with_label_file(from_toml(path), path.parent), path.parent
    beside = path.with_name(FILE)
    description = from_toml(beside) if os.path.lexists(beside) else Description()
    described = _of_one_file(description, path.name)
    described = _with_companions(described, path.parent, *(f"{path.name}/{member}" for member in packed))
    return _with_label_file(described, path.parent), path.parent


def _of_one_file(description: Description, name: str) -> Description:
    """Return the description of one file: formats, columns and labels are those of its folder's description.

    The folder's numbers of rows and classes are left out, since the file may be any of its splits.
    """
    labels = description.labels.model_copy(update={"files": SplitFiles(train=description.labels.files.train)})
    return description.model_copy(
        update={"files": SplitFiles(train=name), "labels": labels, "rows": SplitRows(), "classes": None}
    )


def _with_companions(description: Description, folder: Path, *entries: str) -> Description:
    """Return the description with the names in a ``labels.txt`` beside ``entries``, in an archive or ``data``.

    Raises:
        DataError: a ``dataset.toml`` lies there, which isn't read.
    """
    places = entries[0].split("/")[:-1] if entries else []
    # the folder itself was searched before, but not the archive that is given in place of a folder
    prefixes = ["/".join([*places[:depth], ""]) for depth in range(len(places), 0 if folder.is_dir() else -1, -1)]
    for prefix in prefixes if entries else []:
        if _is_there(folder, f"{prefix}{FILE}"):
            raise DataError(
                f"{folder}: {prefix}{FILE} must lie in the folder that is given as --dataset, where it is read; unpack "
                "the archive, if it is in one, and give the folder that holds it"
            )
        if description.labels.names is None and _is_there(folder, f"{prefix}{LABEL_FILE}"):
            description = _with_names(description, f"{prefix}{LABEL_FILE}")
    return description


def _is_there(folder: Path, entry: str) -> bool:
    try:
        return bool(source_files(folder, entry))
    except DataNotFound:
        return False


def _with_names(description: Description, names: str) -> Description:
    return description.model_copy(update={"labels": description.labels.model_copy(update={"names": names})})


def _with_label_file(description: Description, folder: Path) -> Description:
    """Return the description with the names in ``labels.txt`` of the folder, if it names no labels itself."""
    if description.labels.names is not None or not os.path.lexists(folder / LABEL_FILE):
        return description
    return _with_names(description, LABEL_FILE)


def _recognised(description: Description, folder: Path, flags: Flags) -> tuple[dict[str, list[str]], list[str]]:
    """Return the files that are recognised by their names if the description names no training file, and notes on them.

    Raises:
        DataNotFound: no training file was found, or several files could be that of a split.
        DataError: a split has several files.
    """
    if description.files.train:
        return {}, []
    given = [split for split in SPLITS if description.files.of(split) or FILE_FLAGS[split] in flags]
    with readable(folder):
        return files_beside(folder, given) if "train" in given else recognised_files(folder, given)


def _with_recognised(description: Description, folder: Path, files: Mapping[str, list[str]]) -> Description:
    """Return the description with recognised ``files``, and the names in a ``labels.txt`` beside those of train."""
    named = description.files.model_copy(update=dict(files))
    return _with_companions(description.model_copy(update={"files": named}), folder, *files.get("train", []))


def _files_of_splits(description: Description, folder: Path, flags: Flags) -> dict[str, list[SourceFile]]:
    """Return the files of each split, train first.

    Raises:
        DataNotFound: a file doesn't exist.
        DataError: there are not as many files of labels as of texts.
    """
    files = {}
    for split in SPLITS:
        entries = description.files.of(split)
        texts = [file for entry in entries for file in _found(folder, entry, FILE_FLAGS[split] in flags)]
        labels = [file for entry in description.labels.files.of(split) for file in source_files(folder, entry)]
        if found := _paired(texts, labels, split) if labels else texts:
            files[split] = found
    return files


def _check_counted(rows: SplitRows, files: Mapping[str, list[SourceFile]], where: str) -> None:
    """Raise DataError if rows are declared of a split that has no file, since they couldn't be checked."""
    for split in rows.declared:
        if split not in files:
            raise DataError(
                f"{where}: rows.{split} needs files.{split}, but {split} has no file and is cut from train; name the "
                f"file, or count its rows to rows.train and leave rows.{split} out"
            )


def _found(folder: Path, entry: str, is_flag: bool) -> list[SourceFile]:
    """Return the files of an entry in ``folder``; that of a flag may also be relative to the working directory."""
    try:
        return source_files(folder, entry)
    except DataNotFound:
        if not (is_flag and Path(expanded(entry)).exists()):
            raise
        return source_files(Path(), entry)


def _paired(texts: list[SourceFile], labels: list[SourceFile], split: str) -> list[SourceFile]:
    """Return the files of texts, each with its file of labels."""
    if len(texts) != len(labels):
        raise DataError(
            f"each file of {split} must have one file of labels, but there are {len(texts)} files under [files] and "
            f"{len(labels)} under [labels.files]; list them in the same order"
        )
    return [replace(text, labels=label) for text, label in zip(texts, labels, strict=True)]


def _rows(files: list[SourceFile], form: FileFormat, description: Description) -> Iterator[RawRow]:
    return chain.from_iterable(read_rows(file, form, description.columns) for file in files)


def _reading(description: Description, folder: Path, files: Mapping[str, list[SourceFile]]) -> dict[str, Any]:
    """Return how the rows were read, for the record: names of files without folders of this machine, columns, map."""
    facts = set(Description.model_fields) - {"files", "format", "columns", "labels", "replace"}
    named = renamed(description, lambda entry: _shown(SourceFile(folder / expanded(entry)), folder))
    content: dict[str, Any] = named.model_dump(exclude_defaults=True, exclude=facts | {"files"})
    names = {split: [_shown(file, folder) for file in part] for split, part in files.items()}
    return {"files": names, **content}


def _shown(file: SourceFile, folder: Path) -> str:
    path = file.path.relative_to(folder).as_posix() if file.path.is_relative_to(folder) else file.path.name
    return str(replace(file, path=Path(path), labels=None)).removeprefix("./")
