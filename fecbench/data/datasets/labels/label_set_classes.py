"""Find the classes of data whose texts can have several labels, or shares of labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fecbench.core.errors import DataError
from fecbench.core.text import shortened
from fecbench.data.datasets.labels.label_map import check_known_classes, class_by_label, map_note
from fecbench.data.datasets.labels.label_names import (
    WrittenLabel,
    check_distinguishable,
    check_first_number,
    label_notes,
    ordered,
    refuse_unknown,
    rows_note,
)
from fecbench.data.datasets.labels.set_cells import Shares, shares_in_cells

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fecbench.data.datasets.dataset import Labelling
    from fecbench.data.datasets.description.schema import LabelDescription
    from fecbench.data.datasets.labels.given_names import GivenNames


MOST_LABELS = 2**15  # the numbers of a text's labels are int16


@dataclass(frozen=True)
class LabelSets:
    """The classes of a data set and the shares of them in each cell.

    Attributes:
        labels: names of the classes, in order.
        by_cell: for each split, the shares of the classes in each cell as written, by number; None if its rows are left
            out.
        notes: remarks on rows and labels that are left out, and on labels that are possibly mistaken.
    """

    labels: tuple[str, ...]
    by_cell: Mapping[str, Mapping[str, Mapping[int, float] | None]]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Split:
    """The cells of a split with the shares of their labels."""

    cells: Mapping[str, WrittenLabel]
    shares: Mapping[str, Shares]

    @property
    def labels(self) -> dict[str, WrittenLabel]:
        """The labels with their first rows and numbers of rows."""
        found: dict[str, WrittenLabel] = {}
        for cell, shares in self.shares.items():
            written = self.cells[cell]
            for label in shares:
                known = found.setdefault(label, WrittenLabel(written.number, written.position))
                known.rows += written.rows
        return found


def find_label_sets(
    cells: Mapping[str, Mapping[str, WrittenLabel]],
    labels: LabelDescription,
    given: GivenNames,
    labelling: Labelling,
    where: str,
) -> LabelSets:
    """Find the classes of a data set whose texts can have several labels, or shares of labels.

    Args:
        cells: for each split, train first, the cells as written.
        labels: the described labels.
        given: label names by number; if there are none, the labels of train in sorted order.
        labelling: whether labels exclude one another.
        where: location of the data set, for messages.

    Raises:
        DataError: a label is unknown, a cell is invalid, or there are too many labels.
    """
    splits = _labelled_splits(cells, labels, given, labelling, where)
    names = _original_names(splits, labels, given)
    found = (label for part in splits.values() for label in part.labels)
    class_of = class_by_label(list(dict.fromkeys([*names, *found])), labels, where)
    classes = list(dict.fromkeys(name for label in names if (name := class_of[label]) is not None))
    classes = classes if given.names else list(ordered(classes))
    _check_number(classes, where)
    check_distinguishable(classes, where)
    check_known_classes(labels.background, classes, "background", where)
    for part in splits.values():
        unknown = {label: row for label, row in part.labels.items() if class_of[label] not in (*classes, None)}
        refuse_unknown(unknown, list(given.index or names), bool(given.names))
    numbers = {name: number for number, name in enumerate(classes)}
    number_of = {label: None if name is None else numbers[name] for label, name in class_of.items()}
    by_cell = {
        split: {cell: _in_classes(part, cell, number_of, labels, labelling) for cell in part.cells}
        for split, part in splits.items()
    }
    notes = [*_notes(splits, by_cell, class_of, labels), *label_notes(classes, bool(given.names))]
    return LabelSets(tuple(classes), by_cell, tuple(notes))


def _check_number(classes: Sequence[str], where: str) -> None:
    if len(classes) > MOST_LABELS:
        raise DataError(
            f"{where}: there must be at most {MOST_LABELS:,} labels, but there are {len(classes):,} "
            f"({shortened(classes)}); name another column with --label-column, or choose labels with keep under "
            "[labels] in dataset.toml"
        )


def _labelled_splits(
    cells: Mapping[str, Mapping[str, WrittenLabel]],
    labels: LabelDescription,
    given: GivenNames,
    labelling: Labelling,
    where: str,
) -> dict[str, _Split]:
    """Return the splits with the shares of labels in their cells, by name where a number has one."""
    index = given.index
    splits: dict[str, _Split] = {}
    for split, written in cells.items():
        known = index or (splits["train"].labels if splits else {})
        found = shares_in_cells(written, labels, labelling, known, f"{where}: {split}")
        if split == "train":
            check_first_number(_Split(written, found).labels, given.names, given.first)
        named = {cell: _named(shares, index, written[cell].position) for cell, shares in found.items()}
        splits[split] = _Split(written, _with_none(named, labels))
    return splits


def _named(shares: Shares, index: Mapping[str, str], position: str) -> Shares:
    """Return the shares of labels by name where a number has one.

    Raises:
        DataError: a label is given by its number and by its name.
    """
    named = {index.get(label, label): share for label, share in shares.items()}
    if len(named) < len(shares):
        raise DataError(f"{position}: each label must be given once, found {', '.join(shares)}; remove one")
    return named


def _with_none(shares: Mapping[str, Shares], labels: LabelDescription) -> dict[str, Shares]:
    """Return the shares in cells, with the described label in those without one."""
    without = {} if labels.none in ("refuse", "drop") else {labels.none: 1.0}
    return {cell: found or dict(without) for cell, found in shares.items()}


def _original_names(splits: Mapping[str, _Split], labels: LabelDescription, given: GivenNames) -> list[str]:
    """Return the names of the labels before the map: the given ones, else those of train in sorted order."""
    if not given.names:
        return list(ordered(splits["train"].labels))
    is_used = any(labels.none in part.labels for part in splits.values())
    return [*given.names, *([labels.none] if is_used and labels.none not in given.names else [])]


def _in_classes(
    part: _Split,
    cell: str,
    number_of: Mapping[str, int | None],
    labels: LabelDescription,
    labelling: Labelling,
) -> dict[int, float] | None:
    """Return the shares of the classes in a cell; None if its rows are left out.

    A label that is dropped leaves its row, but labels that exclude one another share 1 without it.

    Raises:
        DataError: the map merges two labels of a cell that have shares.
    """
    merged: dict[int, float] = {}
    for label, share in part.shares[cell].items():
        number = number_of[label]
        if number is not None:
            merged[number] = _merged(merged.get(number), share, labelling, part.cells[cell].position)
    if not merged and (labels.none == "drop" or labelling == "single"):
        return None
    if labelling == "single" and any(number_of[label] is None for label in part.shares[cell]):
        total = sum(merged.values())
        return {number: share / total for number, share in sorted(merged.items())}
    return dict(sorted(merged.items()))


def _merged(known: float | None, share: float, labelling: Labelling, position: str) -> float:
    """Return the share of a class to which several labels of a text belong.

    Labels that exclude one another add up. The share of raters who gave one of two others isn't known.

    Raises:
        DataError: the share isn't known.
    """
    if known is None:
        return share
    if labelling == "single":
        return known + share
    if known != share or share != 1:
        raise DataError(
            f"{position}: map under [labels] must not merge two labels of a text that have shares ({known:g} and "
            f"{share:g}), since some raters may have given both; merge them in a file with a row for each rater "
            "(--rater-column)"
        )
    return share


def _notes(
    splits: Mapping[str, _Split],
    by_cell: Mapping[str, Mapping[str, Mapping[int, float] | None]],
    class_of: Mapping[str, str | None],
    labels: LabelDescription,
) -> list[str]:
    """Return notes on rows and labels that are left out or have another name than in the file."""
    left_out = {
        split: _rows(part, (cell for cell, found in by_cell[split].items() if found is None))
        for split, part in splits.items()
    }
    counts: dict[str, int] = {}
    for part in splits.values():
        for label, written in part.labels.items():
            counts[label] = counts.get(label, 0) + written.rows
    dropped = [label for label in counts if class_of[label] is None]
    told = [f"left out of the labels of {sum(counts[label] for label in dropped):,} rows: {', '.join(dropped)}"]
    return [
        *rows_note(left_out, "that have no label are left out"),
        *(told if dropped else []),
        *map_note(labels, counts),
    ]


def _rows(part: _Split, cells: Iterable[str]) -> int:
    return sum(part.cells[cell].rows for cell in cells)
