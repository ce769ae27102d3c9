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
class DataLocations:
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


Places = DataLocations  # the public name
