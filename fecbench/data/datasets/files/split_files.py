"""Recognise the files of each split in a folder by their names."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fecbench.core.errors import DataError, DataNotFound
from fecbench.core.text import shortened
from fecbench.data.datasets.dataset import SPLITS
from fecbench.data.datasets.description.toml_file import FILE
from fecbench.data.datasets.files.opening import UNPACKERS, ZIP, members
from fecbench.data.datasets.files.source_files import ENDINGS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path


WORDS = {"train": ("train",), "validation": ("validation", "valid", "val", "dev"), "test": ("test",)}
FOLDER = "data"  # where the hub's data sets have their files
SHARD = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})")
ROWS = re.compile(
    rf"(?P<stem>.+?)({'|'.join(map(re.escape, ENDINGS))})({'|'.join(map(re.escape, (*UNPACKERS, ZIP)))})?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class NamedFile:
    """A file of rows, or several that are its shards.

    Attributes:
        stem: its name without folder, endings and the number of a shard.
        entries: the file, or the shards in order, relative to the folder of the data set.
        shards: number of shards; None for a single file.
    """

    stem: str
    entries: tuple[str, ...]
    shards: int | None = None

    @property
    def splits(self) -> list[str]:
        """The splits whose words occur in the name."""
        # Not \b, for which an underscore is part of a word, as in dev_sent_emo.csv.
        return [
            split
            for split in SPLITS
            if re.search(rf"(?<![a-z])({'|'.join(WORDS[split])})(?![a-z])", self.stem, re.IGNORECASE)
        ]


def recognised_files(folder: Path, given: Collection[str] = ()) -> tuple[dict[str, list[str]], list[str]]:
    """Return the files of each split in ``folder``, relative to it, and notes on how they were found.

    The files lie in the folder, in its folder ``data``, or in its only zip archive. Files called exactly after the
    splits are used. If there are none, files with a split's word in their names are used instead, provided that they
    are unambiguous and one is for training. The shards of a file (``train-00000-of-00002.parquet``) count as one. No
    files are searched for splits whose files are ``given``.

    Raises:
        DataNotFound: there is no training file, or several could be that of a split.
        DataError: a split has several files of its exact name, is not a file, or lacks a shard.
    """
    wanted = [split for split in SPLITS if split not in given]
    for place in _places(folder):
        exact, similar = _exact_and_similar(place, wanted, folder)
        if "train" in exact:
            return _chosen(exact, folder), [*_notes(exact, similar), *_unread_in_data(folder, exact, wanted)]
        if not exact and len(similar["train"]) == 1 and all(len(found) <= 1 for found in similar.values()):
            one_each = {split: found[0] for split, found in similar.items() if found}
            return _chosen(one_each, folder), [_said(one_each), *_unread_in_data(folder, one_each, wanted)]
        if similar["train"]:
            raise DataNotFound(_several_could_be(exact, similar, folder))
        if exact:
            break
    raise DataNotFound(_no_training_file(folder))


def files_beside(folder: Path, given: Collection[str]) -> tuple[dict[str, list[str]], list[str]]:
    """Return the files of the splits in ``folder`` that aren't ``given``, as train is, and notes as above.

    Raises:
        DataNotFound: several could be that of a split.
        DataError: as above.
    """
    wanted = [split for split in SPLITS if split not in given]
    for place in _places(folder) if wanted else []:
        exact, similar = _exact_and_similar(place, wanted, folder)
        if not exact and any(len(found) > 1 for found in similar.values()):
            raise DataNotFound(_several_could_be(exact, similar, folder))
        if chosen := exact or {split: found[0] for split, found in similar.items() if found}:
            unread = _unread_similar(similar) if exact else []
            return _chosen(chosen, folder), [_said(chosen), *unread, *_unread_in_data(folder, chosen, wanted)]
    return {}, []


def unread_note(folder: Path, read: Mapping[str, Sequence[str]]) -> list[str]:
    """Return a note on the files in ``folder``, or in its folder ``data``, that are named after a split without files.

    Args:
        folder: the folder of the data set.
        read: the files that are read for each split, relative to it.
    """
    missing = [split for split in SPLITS if split not in read]
    known = {entry for entries in read.values() for entry in entries}
    places = [_files(folder), _files_in_data(folder)] if folder.is_dir() else []
    unread = [entry for place in places for entry in _of_splits(place, missing) if entry not in known]
    if not unread:
        return []
    flags = " and ".join(f"--{split}-file" for split in missing)
    named = " and ".join(read)
    return [f"{_not_read(unread)}, since files are named for {named} alone; name others with {flags} to use them"]


def _exact_and_similar(
    entries: Sequence[str], wanted: Sequence[str], folder: Path
) -> tuple[dict[str, NamedFile], dict[str, list[NamedFile]]]:
    """Return the files called exactly after the ``wanted`` splits, and for the others those with a word of theirs.

    Raises:
        DataError: a split has several files of its exact name.
    """
    files = _named_files(entries)
    exact = {split: found for split in wanted if (found := _called(split, files, folder))}
    similar = {split: [file for file in files if file.splits == [split]] for split in wanted if split not in exact}
    return exact, similar


def _places(folder: Path) -> Iterator[list[str]]:
    """Yield the files of each place where a data set may lie, relative to ``folder``; hidden ones are left out.

    ``folder`` may be a zip archive.
    """
    if folder.is_file():
        yield members(folder)
        return
    yield _files(folder)
    yield _files_in_data(folder)
    archives = [name for name in _files(folder) if name.lower().endswith(ZIP)]
    if len(archives) == 1:
        yield [f"{archives[0]}/{member}" for member in members(folder / archives[0])]


def _files(folder: Path) -> list[str]:
    """Return the names of the files in a folder, and of folders that are called like a file of rows."""
    visible = (path for path in folder.iterdir() if not path.name.startswith("."))
    return sorted(path.name for path in visible if not path.is_dir() or ROWS.fullmatch(path.name))


def _files_in_data(folder: Path) -> list[str]:
    return [f"{FOLDER}/{name}" for name in _files(folder / FOLDER)] if (folder / FOLDER).is_dir() else []


def _of_splits(entries: Sequence[str], splits: Sequence[str]) -> list[str]:
    """Return those of ``entries`` whose names have the words of one of the ``splits``, and of no other."""
    files = _named_files(entries)
    return [entry for file in files if len(file.splits) == 1 and file.splits[0] in splits for entry in file.entries]


def _named_files(entries: Sequence[str]) -> list[NamedFile]:
    """Return the files of rows among ``entries``, shards gathered."""
    found: dict[tuple[str, str], NamedFile] = {}
    for entry in entries:
        stem = _stem(entry)
        if stem is None:
            continue
        shard = SHARD.fullmatch(stem)
        name = shard["stem"] if shard else stem
        # a shard and a file of the same name are two files, of which one must go
        key = (name, entry.rpartition("/")[0] if shard else entry)
        before = found[key].entries if key in found else ()
        found[key] = NamedFile(name, (*before, entry), int(shard["count"]) if shard else None)
    return list(found.values())


def is_rows_file(entry: str) -> bool:
    """Return True if the ending of a file's name is that of a file of rows, perhaps compressed."""
    return _stem(entry) is not None


def _stem(entry: str) -> str | None:
    """Return the name of a file without folder and endings, or None if the endings aren't those of a file of rows.

    >>> _stem("data/train.csv.gz"), _stem("train.md"), _stem("dev.csv.zip")
    ('train', None, 'dev')
    """
    match = ROWS.fullmatch(entry.rpartition("/")[2])
    return match["stem"] if match else None


def _called(split: str, files: Sequence[NamedFile], folder: Path) -> NamedFile | None:
    """Return the one file that is called exactly after ``split``, or None."""
    found = [file for file in files if file.stem in WORDS[split]]
    if len(found) > 1:
        names = ", ".join(file.entries[0] for file in found)
        raise DataError(f"{folder}: one {split} file is needed, found {names}; remove all but one")
    return found[0] if found else None


def _chosen(files: dict[str, NamedFile], folder: Path) -> dict[str, list[str]]:
    """Return the entries of each split.

    Raises:
        DataError: shards are missing.
    """
    for file in files.values():
        if file.shards is not None and len(file.entries) != file.shards:
            raise DataError(
                f"{folder}: {file.stem} has {file.shards} shards, but {len(file.entries)} of them are here "
                f"({shortened(file.entries)}); add the others, or list the files to read in {FILE}"
            )
    return {split: list(file.entries) for split, file in files.items()}


def _notes(exact: dict[str, NamedFile], similar: dict[str, list[NamedFile]]) -> list[str]:
    """Return notes on the files that are read, unless they lie plainly in the folder, and on ``similar`` ones."""
    train = exact["train"]
    is_plain = not train.shards and all("/" not in entry for entry in train.entries)
    return _unread_similar(similar) if is_plain else [_said(exact), *_unread_similar(similar)]


def _unread_similar(similar: dict[str, list[NamedFile]]) -> list[str]:
    return [
        f"{shortened([entry for file in others for entry in file.entries])} isn't read; call it {split} to use it as "
        f"{split}"
        for split, others in similar.items()
        if others
    ]


def _unread_in_data(folder: Path, chosen: dict[str, NamedFile], wanted: Sequence[str]) -> list[str]:
    """Return a note on the files of splits in the folder ``data`` if those that are read lie elsewhere."""
    entry = next(iter(chosen.values())).entries[0]
    unread = _of_splits(_files_in_data(folder), wanted)
    if not unread or entry.startswith(f"{FOLDER}/"):
        return []
    return [
        f"{_not_read(unread)}, since {entry} was found first; put the files in one folder, or name them with "
        "--train-file, --validation-file and --test-file"
    ]


def _not_read(entries: Sequence[str]) -> str:
    return f"{shortened(entries)} {'isn' if len(entries) == 1 else 'aren'}'t read"


def _several_could_be(exact: dict[str, NamedFile], similar: dict[str, list[NamedFile]], folder: Path) -> str:
    """Return the error message for a folder in which the files of splits can't be told apart by their names."""
    several = {split: [file.entries[0] for file in found] for split, found in similar.items() if len(found) > 1}
    if several:
        split, entries = next(iter(several.items()))
        finding = f"one {split} file is needed, but {shortened(entries)} could be it"
    else:
        split, entries = "train", list(similar["train"][0].entries)
        called = ", ".join(file.entries[0] for file in exact.values())
        finding = f"a training file called train is needed beside {called}, found {shortened(entries)}"
    return (
        f"{folder}: {finding}; name it with --{split}-file, such as --{split}-file {entries[0]}, or under [files] in "
        f"{FILE}"
    )


def _said(files: dict[str, NamedFile]) -> str:
    each = ", ".join(f"{shortened(file.entries, 3)} as {split}" for split, file in files.items())
    return f"read by their names: {each}"


def _no_training_file(folder: Path) -> str:
    """Return the error message for a ``folder`` without a training file, with the folder's content."""
    if folder.is_file():
        entries = members(folder)
    else:
        entries = sorted(f"{entry.name}{os.sep}" if entry.is_dir() else entry.name for entry in folder.iterdir())
    wanted = ", ".join(f"train{suffix}" for suffix in ENDINGS)
    content = f"it holds {shortened(entries, 10)}" if entries else "it is empty"
    return (
        f"{folder} must hold a training file ({wanted}); none is there: {content}. Rename or copy yours (train, "
        "validation and test with such an ending), name it with --train-file (also --validation-file and --test-file), "
        f"describe the files in {FILE}, or give the file itself or another folder as --dataset"
    )
