"""Find the folder that holds a data set."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from platformdirs import user_cache_path

from fecbench.core.errors import DataError, DataNotFound
from fecbench.core.paths import expanded
from fecbench.data.datasets.files.published_files import depth, missing_files, shortened_path
from fecbench.data.datasets.files.read_errors import readable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


ENVIRONMENT = "FECBENCH_DATA"
USER_CACHE = "user cache"


class FoundFolder(NamedTuple):
    """A folder that holds a data set.

    Attributes:
        folder: the folder to which the paths of the files are relative.
        location: name of the location it was found in.
        levels: number of folders at the beginning of the published paths that are missing here.
    """

    folder: Path
    location: str
    levels: int = 0


class Source(NamedTuple):
    """Description of the location from which rows would be read, and whether reading them needs the network."""

    where: str
    network: bool = False

    @classmethod
    def of(cls, found: FoundFolder) -> Source:
        """Describe a folder on this machine."""
        return cls(f"{found.folder} ({found.location})")


def _folder_in_environment() -> Path | None:
    folder = os.environ.get(ENVIRONMENT)
    return Path(expanded(folder)) if folder else None


@dataclass(frozen=True)
class DataLocations:
    """The folders searched for data, in this order: ``--data-dir``, ``FECBENCH_DATA``, the user cache.

    The network is tried last, by the loaders.
    """

    data_dir: Path | None = None
    environment: Path | None = field(default_factory=_folder_in_environment)
    cache: Path = field(default_factory=lambda: user_cache_path("fecbench") / "data")

    def __iter__(self) -> Iterator[tuple[str, Path]]:
        if self.data_dir:
            yield "--data-dir", self.data_dir
        if self.environment:
            yield ENVIRONMENT, self.environment
        yield USER_CACHE, self.cache

    def find(self, name: str, files: Sequence[str]) -> FoundFolder | None:
        """Search the locations for a folder ``name`` with all ``files``; return None if there is none.

        A location may itself be that folder.

        Raises:
            DataNotFound: ``--data-dir`` or ``FECBENCH_DATA`` is not a folder.
            DataError: a folder ``name`` has only some of the files.
        """
        for location, root in self._checked():
            folder = root if root.name == name else root / name
            with readable(folder):
                missing = [file for file in files if not (folder / file).is_file()]
            if not missing:
                return FoundFolder(folder, location)
            if len(missing) < len(files):
                needed, lacking = ", ".join(files), ", ".join(missing)
                raise DataError(f"{folder}: {name} needs {needed}; missing: {lacking}; add them or remove the folder")
        return None

    def find_files(self, name: str, files: Sequence[str]) -> FoundFolder | None:
        """Search the locations for the published ``files`` of a data set; return None if they aren't there.

        In each location these are searched in turn: a folder ``name``, the location itself, and the folders in it,
        which may be clones of repositories. In the first two the files may also lie without the folders of their
        published paths.

        Raises:
            DataNotFound: ``--data-dir`` or ``FECBENCH_DATA`` is not a folder.
            DataError: a folder has only some of the files, or several folders have them.
        """
        for location, root in self._checked():
            with readable(root):
                found = _found_near(root, name, files) or _found_below(root, name, files)
            if found:
                return FoundFolder(found[0], location, found[1])
        return None

    def _checked(self) -> Iterator[tuple[str, Path]]:
        """Yield the name and the folder of each location.

        Raises:
            DataNotFound: ``--data-dir`` or ``FECBENCH_DATA`` is not a folder.
        """
        for location, root in self:
            # A mistyped folder must not lead to the rows of another place.
            with readable(root):
                is_folder = root.is_dir()
            if location != USER_CACHE and not is_folder:
                raise DataNotFound(f"{location} must be a folder, but {root} isn't; correct or leave it out")
            yield location, root

    def looked(self, name: str) -> str:
        """Return the folders that :meth:`find` searches for ``name``, for an error message."""
        return ", ".join(f"{root / name} ({location})" for location, root in self)


def _found_near(root: Path, name: str, files: Sequence[str]) -> tuple[Path, int] | None:
    """Search ``root`` and its folder ``name`` for ``files``; return the folder and the folders missing in the paths.

    Raises:
        DataError: a folder has only some of the files.
    """
    partial = ""
    for folder in (root / name, root):
        for levels in range(depth(files) + 1):
            paths = list(dict.fromkeys(shortened_path(file, levels) for file in files))
            missing = missing_files(folder, paths)
            if not missing:
                return folder, levels
            # paths without folders, such as train.csv, may be those of another data set
            if len(missing) < len(paths) and (folder.name == name or (not levels and depth(files))):
                partial = partial or f"{folder}: {name} needs {', '.join(paths)}; missing: {', '.join(missing)}"
    if partial:
        raise DataError(f"{partial}; add them, or give another folder as --data-dir")
    return None


def _found_below(root: Path, name: str, files: Sequence[str]) -> tuple[Path, int] | None:
    """Search the folders in ``root``, such as clones of repositories, for ``files`` with their published paths.

    Raises:
        DataError: several folders have them.
    """
    # a file without a folder in its path, such as train.txt, could belong to any data set
    if not depth(files) or not root.is_dir():
        return None
    found = [folder for folder in sorted(root.iterdir()) if folder.is_dir() and not missing_files(folder, files)]
    if len(found) > 1:
        raise DataError(f"{name} must be found once, but is in {', '.join(map(str, found))}; give one as --data-dir")
    return (found[0], 0) if found else None


Places = DataLocations
"""The folders searched for data, which a data set's ``source`` and ``load`` get; the public name of ``DataLocations``.

``find(name, files)`` returns the folder that holds the files of a data set, or None; ``looked(name)`` names the folders
that were searched, for an error message.
"""
