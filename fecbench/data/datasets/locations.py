"""Find the folder that holds a data set."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from platformdirs import user_cache_path

from fecbench.core.errors import DataError, DataNotFound
from fecbench.core.paths import expanded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


ENVIRONMENT = "FECBENCH_DATA"
USER_CACHE = "user cache"


class FoundFolder(NamedTuple):
    """A folder that holds a data set, and the name of the location it was found in."""

    folder: Path
    location: str


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
        for location, root in self:
            # A mistyped folder must not lead to the rows of another place.
            if location != USER_CACHE and not root.is_dir():
                raise DataNotFound(f"{location} must be a folder, but {root} isn't; correct or leave it out")
            folder = root if root.name == name else root / name
            missing = [file for file in files if not (folder / file).is_file()]
            if not missing:
                return FoundFolder(folder, location)
            if len(missing) < len(files):
                needed, lacking = ", ".join(files), ", ".join(missing)
                raise DataError(f"{folder}: {name} needs {needed}; missing: {lacking}; add them or remove the folder")
        return None

    def looked(self, name: str) -> str:
        """Return the folders that :meth:`find` searches for ``name``, for an error message."""
        return ", ".join(f"{root / name} ({location})" for location, root in self)


Places = DataLocations  # the public name
