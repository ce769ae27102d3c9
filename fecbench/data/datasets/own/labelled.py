"""Find out how the labels of a user's own rows relate to each other, find the classes, and build the splits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fecbench.core.errors import DataError
from fecbench.data.datasets.labels.classes import LEFT_OUT, find_classes
from fecbench.data.datasets.labels.label_map import check_known_classes
from fecbench.data.datasets.labels.label_set_classes import find_label_sets
from fecbench.data.datasets.labels.set_cells import has_numbers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from datasets import Dataset

    from fecbench.data.datasets.dataset import DatasetInfo, Labelling
    from fecbench.data.datasets.description.schema import Description
    from fecbench.data.datasets.labels.given_names import GivenNames
    from fecbench.data.datasets.own.read_split import ReadSplit


@dataclass(frozen=True)
class Labelled:
    """The classes of a data set and its splits.

    Attributes:
        info: facts about the data set, with its labelling.
        labels: names of the classes, in order.
        splits: the splits.
        in_cells: the classes in each cell of train as written, by number.
        notes: remarks on rows and labels.
    """

    info: DatasetInfo
    labels: tuple[str, ...]
    splits: Mapping[str, Dataset]
    in_cells: Mapping[str, Sequence[int]]
    notes: tuple[str, ...]


def labelled(
    parts: Mapping[str, ReadSplit], description: Description, given: GivenNames, info: DatasetInfo, where: str
) -> Labelled:
    """Build the splits of rows as read.

    Args:
        parts: the rows of each split, train first.
        description: columns and labels of the rows.
        given: label names by number; if there are none, the labels of train in sorted order.
        info: facts about the data set as described.
        where: location of the data set, for messages.

    Raises:
        DataError: a label is unknown or isn't as the description allows.
    """
    info = replace(info, labelling=_labelling(parts, description), soft=_is_soft(parts, description))
    cells = {split: part.cells for split, part in parts.items()}
    if not info.one_label:
        sets = find_label_sets(cells, description.labels, given, info.labelling, where)
        built = {split: part.to_label_sets(sets.by_cell[split], info.soft) for split, part in parts.items()}
        in_cells = {cell: tuple(shares or ()) for cell, shares in sets.by_cell["train"].items()}
        return Labelled(info, sets.labels, built, in_cells, sets.notes)
    _refuse_raters(description, where)
    has_columns = isinstance(description.columns.label, list)
    classes = find_classes(cells, description.labels, given, has_columns, where)
    check_known_classes(description.labels.background, classes.labels, "background", where)
    built = {split: part.to_dataset(classes.by_cell[split]) for split, part in parts.items()}
    single = {cell: () if number == LEFT_OUT else (number,) for cell, number in classes.by_cell["train"].items()}
    return Labelled(info, classes.labels, built, single, classes.notes)


def _labelling(parts: Mapping[str, ReadSplit], description: Description) -> Labelling:
    """Return the labelling that a description states; else ``multi`` if a file has a list of labels in a row.

    A description that says what becomes of rows with several labels or none is for one label a text.
    """
    labels = description.labels
    if labels.labelling is not None:
        return labels.labelling
    if labels.several == "drop" or labels.none != "refuse" or isinstance(description.columns.label, list):
        return "single"
    has_list = any(written.is_list for part in parts.values() for written in part.cells.values())
    return "multi" if has_list else "single"


def _is_soft(parts: Mapping[str, ReadSplit], description: Description) -> bool:
    """Return True if texts have several raters, or a row has numbers of labels."""
    cells = (item for part in parts.values() for item in part.cells.items())
    return description.columns.rater is not None or any(has_numbers(*item) for item in cells)


def _refuse_raters(description: Description, where: str) -> None:
    """Raise DataError if raters of votes are given, but each text has one label."""
    if description.labels.raters is not None:
        raise DataError(
            f"{where}: --raters needs numbers of votes for each label, but each text has one label; leave --raters "
            "(raters under [labels] in dataset.toml) out, or name the columns of votes with --label-columns"
        )


def check_described_labels(description: Description, where: str) -> None:
    """Check that the keys and flags about several labels go together.

    Raises:
        DataError: they don't.
    """
    labels, columns = description.labels, description.columns
    if labels.labelling == "multi" and labels.several == "drop":
        raise DataError(
            f'{where}: several = "drop" keeps the rows with one label, but the labelling is multi; leave several under '
            "[labels] out, or --labelling (labelling under [labels])"
        )
    if columns.rater is not None and columns.id is None:
        raise DataError(
            f"{where}: rows of raters need a column that names their text, but there is none; give --id-column (id "
            "under [columns] in dataset.toml)"
        )
    if columns.rater is not None and labels.raters is not None:
        raise DataError(
            f"{where}: --raters counts the raters of numbers of votes, but --rater-column has a row for each rater; "
            "leave one of them out"
        )
