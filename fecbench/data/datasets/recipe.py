"""A recipe: the description of a published data set, registered by name, which reads the published files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from fecbench.core.errors import DataError, DataNotFound
from fecbench.data.datasets.dataset import SPLITS
from fecbench.data.datasets.description.facts import info_of
from fecbench.data.datasets.description.toml_file import from_toml
from fecbench.data.datasets.files.published_files import files_of, on_disk, relocated
from fecbench.data.datasets.locations import DataLocations, FoundFolder, Source

if TYPE_CHECKING:
    from pathlib import Path

    from fecbench.data.datasets.dataset import DatasetInfo, EmotionData
    from fecbench.data.datasets.description.schema import Description
    from fecbench.data.datasets.splits.missing_splits import SplitChoice


@dataclass(frozen=True)
class Recipe:
    """Loader of the published data set that the TOML file at ``path`` describes.

    The file has the keys of ``dataset.toml``, and names each file by its path in the published repository or
    archive. A package adds a recipe with one line, ``mine = Recipe(Path(__file__).with_name("mine.toml"))``, and
    one entry point of the group ``fecbench_datasets``, which has the recipe's name.
    """

    path: Path

    @cached_property
    def description(self) -> Description:
        """The description, read from the file.

        Raises:
            DataNotFound: there is no such file.
            DataError: the file is not a valid description, or names no training file.
        """
        described = from_toml(self.path)
        if described.files.train is None:
            raise DataError(
                f"{self.path} must name the published files, by which they are found, but has no train under [files]; "
                "add it"
            )
        return described

    @property
    def name(self) -> str:
        """The name in the description, or else that of the file."""
        return self.description.name or self.path.stem

    @property
    def files(self) -> list[str]:
        """The published files."""
        return list(dict.fromkeys(map(on_disk, files_of(self.description))))

    @property
    def rows(self) -> tuple[int | None, ...]:
        """The published numbers of rows in train, validation and test; None for unknown ones and splits to cut."""
        declared, totals = self.description.rows.declared, self.description.rows.totals
        if self.description.labels.labelling == "multi":  # a row counts for each of its labels
            totals = {split: rows for split, rows in totals.items() if isinstance(declared[split], int)}
        return tuple(totals.get(split) for split in SPLITS)

    @property
    def cut(self) -> tuple[str, ...]:
        """The splits that were not published, which are cut from train."""
        return tuple(split for split in SPLITS if getattr(self.description.files, split) is None)

    @property
    def info(self) -> DatasetInfo:
        """Title, licence, rows and source."""
        return replace(
            info_of(self.description, self.name, self.name),
            rows=tuple(count for count in self.rows if count is not None) if None not in self.rows else (),
            labels=self.description.classes or _number_of_labels(self.description),
        )

    def is_here(self, places: DataLocations) -> bool:
        """Return True if the published files are on this machine."""
        return places.find_files(self.name, self.files) is not None

    def source(self, places: DataLocations) -> Source:
        """Describe the location of the published files.

        Raises:
            DataNotFound: they were not found.
            DataError: some are missing, or they were found more than once.
        """
        return Source.of(self._find(places))

    def load(self, places: DataLocations, choice: SplitChoice | None = None) -> EmotionData:
        """Load the rows; splits that were not published are cut from train by ``choice``, or with seed 0.

        Raises:
            DataNotFound: the files were not found.
            DataError: a file is unreadable or invalid, or its rows are not the published ones.
        """
        # imported on demand: many commands read only the descriptions
        from fecbench.data.datasets.checks import REPLACE, check_counts
        from fecbench.data.datasets.own.load_path import load_described
        from fecbench.data.datasets.splits.missing_splits import SplitChoice

        found = self._find(places)
        description, where = relocated(self.description, found.levels), Source.of(found).where
        data = load_described(description, found.folder, choice or SplitChoice(0), self.info, where)
        return check_counts(data, description.rows.declared, description.classes, where, REPLACE)

    def _find(self, places: DataLocations) -> FoundFolder:
        found = places.find_files(self.name, self.files)
        if found is None:
            about = self.description
            searched = ", ".join(f"{root} ({location})" for location, root in places)
            raise DataNotFound(
                f"{self.name} isn't in {searched}, and isn't fetched from the network; get it "
                f"({about.download or about.homepage or 'from its publisher'}), and give that folder as --data-dir, "
                f"or put {', '.join(self.files)} in a folder {self.name} in one of these places"
            )
        return found


def _number_of_labels(about: Description) -> int | None:
    """Return the number of labels whose rows are counted or that are named; None if neither tells all of them."""
    counted, names = about.rows.train, about.labels.names
    if isinstance(counted, dict):
        return len(counted)
    unchanged = not (about.labels.map or about.labels.drop or about.labels.keep)
    return len(names) if isinstance(names, list) and unchanged else None
