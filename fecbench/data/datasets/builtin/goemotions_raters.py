"""``ge-raters``: the rows of ``ge-multi`` with the share of raters for each label, from GoEmotions' raw annotations.

The raw files have a row for each rater of a comment, with a column of 0 and 1 for each label. Raters who found a
comment unclear gave no label, and count as raters. The official files name the comments of each split, which at least
two raters gave the same label; labels of one rater, which those files leave out, are kept here with their share.

The rows are pinned by their numbers, and by the official labels, each of which some rater must have given.
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from fecbench.core.errors import DataError, DataNotFound
from fecbench.data.datasets.builtin import goemotions
from fecbench.data.datasets.checks import REPLACE, check_counts
from fecbench.data.datasets.dataset import DatasetInfo, EmotionData
from fecbench.data.datasets.locations import DataLocations, Source
from fecbench.data.datasets.rows import split_from_columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from datasets import Dataset

    from fecbench.data.datasets.locations import FoundFolder


RAW_FILES = ("goemotions_1.csv", "goemotions_2.csv", "goemotions_3.csv")
DOWNLOAD = "https://storage.googleapis.com/gresearch/goemotions/data/full_dataset/"
ROWS = {"train": 43_410, "validation": 5_426, "test": 5_427}

Votes = dict[str, tuple[int, Counter[int]]]
"""The number of raters of each comment, and how many gave each label, by its number."""


@dataclass(frozen=True)
class GoEmotionsRaters:
    """Loader of ``ge-raters``; the numbers of rows are a field so that tests can use their own files."""

    rows: Mapping[str, int] = field(default_factory=lambda: ROWS)

    @property
    def info(self) -> DatasetInfo:
        """Title, licence, rows and source."""
        return replace(
            goemotions.ge_multi.info,
            name="ge-raters",
            title="GoEmotions, all rows, shares of raters for each label",
            display="GoEmotions, raters",
            rows=tuple(self.rows.values()),
            soft=True,
        )

    def source(self, places: DataLocations) -> Source:
        """Describe the location of the raw files.

        Raises:
            DataNotFound: they were not found.
        """
        return Source.of(self._raw(places))

    def load(self, places: DataLocations) -> EmotionData:
        """Load the comments of the official files with the shares of their raters.

        Raises:
            DataNotFound: the official files or the raw ones were not found.
            DataError: a file is malformed, lacks a comment, or has other rows or labels than expected.
        """
        raw, official = self._raw(places), self._official(places)
        votes = read_votes(raw.folder / name for name in RAW_FILES)
        splits = {
            split: _rated(goemotions.read_official(official.folder / file), votes, str(raw.folder))
            for split, file in goemotions.FILES.items()
        }
        where, texts = Source.of(raw).where, goemotions.ge_multi.texts
        data = EmotionData(self.info, goemotions.MULTI_LABELS, splits, where, texts)
        return check_counts(data, self.rows, self.info.labels, where, REPLACE)

    def _raw(self, places: DataLocations) -> FoundFolder:
        found = places.find("ge-raters", list(RAW_FILES))
        if found is None:
            raise DataNotFound(
                f"ge-raters isn't in {places.looked('ge-raters')}; put {', '.join(RAW_FILES)} ({DOWNLOAD}) in one of "
                "these folders"
            )
        return found

    def _official(self, places: DataLocations) -> FoundFolder:
        files = list(goemotions.FILES.values())
        found = places.find("ge", files)
        if found is None:
            raise DataNotFound(
                f"the splits of ge-raters aren't in {places.looked('ge')}; put the official {', '.join(files)} in one "
                "of these folders"
            )
        return found


def read_votes(paths: Iterable[Path]) -> Votes:
    """Return the number of raters of each comment, and of those who gave each label.

    Raises:
        DataError: a file lacks a column, or isn't UTF-8.
    """
    votes: Votes = {}
    for path in paths:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            try:
                for row in reader:
                    raters, labels = votes.get(row["id"], (0, Counter()))
                    labels.update(number for number, label in enumerate(goemotions.MULTI_LABELS) if row[label] == "1")
                    votes[row["id"]] = raters + 1, labels
            except (KeyError, UnicodeDecodeError, csv.Error) as error:
                raise DataError(
                    f"{path}, line {reader.line_num}: expected CSV with the columns id and "
                    f"{len(goemotions.MULTI_LABELS)} labels, found {error}; restore the raw file"
                ) from error
    return votes


def _rated(rows: Iterable[tuple[str, list[int], str]], votes: Votes, where: str) -> Dataset:
    """Build a split of the official rows with the share of raters for each label.

    Raises:
        DataError: no rater gave an official label.
    """
    texts, labels, weights = [], [], []
    for text, official, comment in rows:
        raters, given = votes.get(comment, (0, Counter[int]()))
        if not given.keys() >= set(official):
            names = ", ".join(goemotions.MULTI_LABELS[label] for label in official)
            raise DataError(
                f"{where}: raters must have given every official label, but not those of {comment} ({names}); restore "
                "the files"
            )
        texts.append(text)
        labels.append(sorted(given))
        weights.append([given[label] / raters for label in sorted(given)])
    return split_from_columns({"text": texts, "labels": labels, "weights": weights})


ge_raters = GoEmotionsRaters()
