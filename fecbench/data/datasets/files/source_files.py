"""Find the files that a description names: by name, glob, member of a zip archive, or rows within a JSON file."""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path, PurePath
from typing import IO, TYPE_CHECKING, Any

from fecbench.core.errors import DataError, DataNotFound
from fecbench.core.paths import expanded
from fecbench.core.text import shortened
from fecbench.data.datasets.addresses import HUB_PREFIX
from fecbench.data.datasets.files.opening import UNPACKERS, ZIP, members

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping


ENDINGS = (".csv", ".tsv", ".jsonl", ".json", ".parquet")
"""The endings that tell a file's format."""


@dataclass(frozen=True)
class SourceFile:
    """A file that holds rows.

    Attributes:
        path: the file, or the zip archive that holds it.
        member: its name in the zip archive; "" if it is not in one.
        rows: JMESPath expression for the rows within a JSON file; "" for the whole file.
        labels: the file of the labels, line by line, if they are apart from the texts.
    """

    path: Path
    member: str = ""
    rows: str = ""
    labels: SourceFile | None = None

    def __str__(self) -> str:
        name = f"{self.path}/{self.member}" if self.member else str(self.path)
        return f"{name}#{self.rows}" if self.rows else name

    @property
    def unpacker(self) -> Callable[[IO[bytes]], Any] | None:
        """The function that unpacks the file, or None if it is not compressed (a zip archive aside)."""
        return UNPACKERS.get(self._name.suffix.lower())

    @property
    def ending(self) -> str:
        """The ending that tells the format, in lower case, without that of a compression: .csv of train.csv.gz."""
        name = self._name.with_suffix("") if self.unpacker else self._name
        return name.suffix.lower()

    @property
    def name(self) -> str:
        """Its name without folders."""
        return self._name.name

    @property
    def _name(self) -> PurePath:
        return PurePath(self.member or self.path.name)


def source_files(folder: Path, entry: str) -> list[SourceFile]:
    """Return the files that ``entry`` names, in the order of their names.

    Args:
        folder: folder to which relative paths refer.
        entry: a path, a glob (``**/train-*.parquet``), a file in a zip archive (``data.zip/train.csv``; a zip
            archive that holds one data file needs no name), or rows within a JSON file (``data.json#rows``). A file
            that really has such a name is read as it is.

    Raises:
        DataNotFound: there is no such file.
        DataError: it is an address, a folder, a pipe, a link to nothing, or an archive that can't be read.
    """
    if "://" in entry or entry.startswith(HUB_PREFIX):
        raise DataError(f"files must be on this machine, found the address {entry}; download it and give its path")
    for name, rows in _readings(entry):
        if found := _found(folder, name):
            return [replace(file, rows=rows) for file in found]
    raise DataNotFound(_nothing_found(folder, entry))


def check_read_once(files: Mapping[str, Iterable[SourceFile]], where: str) -> None:
    """Raise DataError if the same rows of a file are read twice, for one split or for two.

    Args:
        files: the files of each split.
        where: location of the data set, for messages.
    """
    seen: dict[tuple[str, str, str], str] = {}
    for split, part in files.items():
        for file in part:
            key = (os.path.realpath(file.path), file.member, file.rows)
            if key in seen:
                both = f"for {seen[key]} and for {split}" if seen[key] != split else f"twice for {split}"
                raise DataError(
                    f"{where}: each file must be read once, but {file} is read {both}; remove one of the entries under "
                    "[files], or of the flags, or name another file of a split"
                )
            seen[key] = split


def _readings(entry: str) -> Iterator[tuple[str, str]]:
    """Yield the ways to read an entry as a name and an expression for rows: a ``#`` may belong to either."""
    yield entry, ""
    for position, character in enumerate(entry):
        if character == "#":
            yield entry[:position], entry[position + 1 :]


def _found(folder: Path, name: str) -> list[SourceFile]:
    """Return the files called ``name``, else those in a zip archive, else those that match it as a glob."""
    path = folder / expanded(name)
    if "\0" in name:  # no file has one, and functions of the system refuse it
        return []
    # lexists: a link to nothing must be refused, not taken for a missing file.
    if name and os.path.lexists(path):
        return [_whole_file(path)]
    for archive in path.parents:
        if archive.suffix.lower() == ZIP and archive.is_file():
            return _in_archive(archive, path.relative_to(archive).as_posix())
    # Not Path.glob, which refuses absolute patterns.
    matches = [folder / match for match in glob.glob(expanded(name), root_dir=folder, recursive=True)]  # noqa: PTH207
    return [_whole_file(match) for match in sorted(matches) if not match.is_dir()]


def _whole_file(path: Path) -> SourceFile:
    """Return the file at ``path``, or the one data file in it if it is a zip archive.

    Raises:
        DataError: it is not a file, or an archive with several files or none.
    """
    if not path.is_file():
        raise DataError(f"{path} must be a file, but is a folder, a pipe or a link to nothing; name a file")
    return SourceFile(path, _only_member(path) if path.suffix.lower() == ZIP else "")


def _only_member(archive: Path) -> str:
    names = members(archive)
    fitting = [name for name in names if SourceFile(archive, name).ending in ENDINGS] or names
    if not fitting:
        raise DataError(f"{archive} must hold a file of rows, but is empty; get it again or name another file")
    if len(fitting) > 1:
        raise DataError(
            f"{archive} holds several files ({shortened(fitting, 10)}); name one, such as {archive.name}/{fitting[0]}"
        )
    return fitting[0]


def _in_archive(archive: Path, name: str) -> list[SourceFile]:
    """Return the members of a zip archive called ``name``, else those that match it as a glob."""
    names = members(archive)
    matching = [name] if name in names else sorted(member for member in names if fnmatchcase(member, name))
    if not matching and "#" not in name:  # with a #, the part before it is tried next
        raise DataNotFound(f"{archive} holds no {name}; {_choice(name, names)}")
    return [SourceFile(archive, member) for member in matching]


def _nothing_found(folder: Path, entry: str) -> str:
    """Return the error message for an entry that names no file, with what is there."""
    name = entry.partition("#")[0]
    path = folder / expanded(name)
    nearest = next(parent for parent in (*path.parents, Path()) if parent.is_dir())
    there = [f"{child.name}{os.sep}" if child.is_dir() else child.name for child in _children(nearest)]
    verb = "matches no file" if glob.has_magic(name) else "doesn't exist"
    return f"{path} {verb}; in {nearest}, {_choice(path.name, there)}"


def _children(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:  # it can't be read
        return []


def _choice(name: str, names: list[str]) -> str:
    """Return what names there are instead of ``name``, the nearest first."""
    if not names:
        return "there is nothing; correct the name"
    nearest = get_close_matches(name, names, n=3)
    others = [other for other in names if other not in nearest]
    return f"there is {shortened([*nearest, *others], 10)}; correct the name"
