"""Find the classes of a user's data set, and the class of each label as it is written in each split."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fecbench.data.datasets.labels.label_map import class_by_label, map_note
from fecbench.data.datasets.labels.label_names import (
    WrittenLabel,
    check_distinguishable,
    check_first_number,
    check_labelled,
    label_notes,
    ordered,
    refuse_several,
    refuse_unknown,
    rows_note,
)
from fecbench.data.datasets.labels.label_sets import label_sets

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fecbench.data.datasets.description.schema import LabelDescription
    from fecbench.data.datasets.labels.given_names import GivenNames


LEFT_OUT = -1  # the class of a row that is left out
Written = dict[str, WrittenLabel]


@dataclass(frozen=True)
class Classes:
    """The classes of a data set.

    Attributes:
        labels: their names, in order.
        by_cell: for each split, the number of the class of each cell as written, or ``LEFT_OUT``.
        notes: remarks on the rows that are left out and on labels that are possibly mistaken.
    """

    labels: tuple[str, ...]
    by_cell: Mapping[str, Mapping[str, int]]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Split:
    """The cells of a split with their labels.

    Attributes:
        cells: the cells as written.
        sets: the labels in each cell.
        label_of: the label of each cell with one.
    """

    cells: Mapping[str, WrittenLabel]
    sets: Mapping[str, tuple[str, ...]]
    label_of: Mapping[str, str]

    def rows(self, cells: Iterable[str]) -> int:
        return sum(self.cells[cell].rows for cell in cells)

    @property
    def labels(self) -> Written:
        """The labels of rows with one label."""
        labels = Written()
        for cell, label in self.label_of.items():
            written = self.cells[cell]
            known = labels.setdefault(label, WrittenLabel(written.number, written.position))
            known.rows += written.rows
        return labels


def find_classes(
    cells: Mapping[str, Mapping[str, WrittenLabel]],
    labels: LabelDescription,
    given: GivenNames,
    indicators: bool,
    where: str,
) -> Classes:
    """Find the classes of a data set.

    Args:
        cells: for each split, train first, the cells as written.
        labels: the described labels.
        given: label names by number; if there are none, the labels of train in sorted order.
        indicators: True if the cells come from indicator columns.
        where: location of the data set, for messages.

    Raises:
        DataError: a label is unknown, or a row has several labels or none and the description doesn't allow it.
    """
    splits = _labelled_splits(cells, labels, given, indicators, where)
    names = _original_names(splits, labels, given)
    found = (label for split in splits.values() for label in split.label_of.values())
    class_of = class_by_label(list(dict.fromkeys([*names, *found])), labels, where)
    classes = list(dict.fromkeys(name for label in names if (name := class_of[label]) is not None))
    classes = classes if given.names else list(ordered(classes))
    check_distinguishable(classes, where)
    for split in splits.values():
        unknown = {label: row for label, row in split.labels.items() if class_of[label] not in (*classes, None)}
        refuse_unknown(unknown, list(given.index or names), bool(given.names))
    numbers = {class_of_label: number for number, class_of_label in enumerate(classes)}
    class_number = {label: numbers.get(name, LEFT_OUT) if name else LEFT_OUT for label, name in class_of.items()}
    by_cell = {
        split: {cell: class_number[part.label_of[cell]] if cell in part.label_of else LEFT_OUT for cell in part.cells}
        for split, part in splits.items()
    }
    notes = [*_notes(splits, class_of, labels), *label_notes(classes, bool(given.names))]
    return Classes(tuple(classes), by_cell, tuple(notes))


def _labelled_splits(
    cells: Mapping[str, Mapping[str, WrittenLabel]],
    labels: LabelDescription,
    given: GivenNames,
    indicators: bool,
    where: str,
) -> dict[str, _Split]:
    """Return the splits with the labels of their cells, by name where a number has one; arguments as above."""
    splits: dict[str, _Split] = {}
    index = given.index
    for split, written in cells.items():
        known = index or (splits["train"].labels if splits else {})
        found = _singled(written, label_sets(written, labels, known, indicators), labels, f"{where}: {split}")
        if split == "train":
            check_first_number(found.labels, given.names, given.first)
        named = {cell: index.get(label, label) for cell, label in found.label_of.items()}
        splits[split] = replace(found, label_of=named)
    return splits


def _singled(
    cells: Mapping[str, WrittenLabel], sets: Mapping[str, tuple[str, ...]], labels: LabelDescription, where: str
) -> _Split:
    """Return a split whose rows with several labels or none are as the description allows."""
    total = sum(cell.rows for cell in cells.values())
    if labels.none == "refuse":
        check_labelled({cell: cells[cell] for cell, found in sets.items() if not found}, total, where)
    if labels.several == "refuse":
        refuse_several(cells, [cell for cell, found in sets.items() if len(found) > 1])
    label_of = {cell: found[0] for cell, found in sets.items() if len(found) == 1}
    if labels.none not in ("refuse", "drop"):
        label_of |= {cell: labels.none for cell, found in sets.items() if not found}
    return _Split(cells, sets, label_of)


def _original_names(splits: Mapping[str, _Split], labels: LabelDescription, given: GivenNames) -> list[str]:
    """Return the names of the labels before the map: the given ones, else those of train in sorted order.

    The name that a description has for rows without a label is added if there are such rows.
    """
    if not given.names:
        return list(ordered(splits["train"].labels))
    without = any(not found for split in splits.values() for found in split.sets.values())
    added = [labels.none] if without and labels.none not in ("refuse", "drop", *given.names) else []
    return [*given.names, *added]


def _notes(splits: Mapping[str, _Split], class_of: Mapping[str, str | None], labels: LabelDescription) -> list[str]:
    """Return notes with the numbers of rows that are left out or have another label than in the file."""
    sets = {split: part.sets.items() for split, part in splits.items()}
    several = {split: [cell for cell, found in items if len(found) > 1] for split, items in sets.items()}
    without = {split: [cell for cell, found in items if not found] for split, items in sets.items()}
    dropped = {
        split: [cell for cell, label in part.label_of.items() if class_of[label] is None]
        for split, part in splits.items()
    }
    names = list(dict.fromkeys(splits[split].label_of[cell] for split, cells in dropped.items() for cell in cells))
    none_told = "that have no label are left out" if labels.none == "drop" else f"that have no label are {labels.none}"
    rows = Counter[str]()
    for part in splits.values():
        rows.update({label: written.rows for label, written in part.labels.items()})
    return [
        *_counted(splits, several, "that hold several labels are left out"),
        *_counted(splits, without, none_told),
        *_counted(splits, dropped, f"of {_either(names)} are left out"),
        *map_note(labels, rows),
    ]


def _counted(splits: Mapping[str, _Split], cells: Mapping[str, list[str]], what: str) -> list[str]:
    """Return a note on the number of rows with ``cells`` in each split; none if there are no such rows."""
    return rows_note({split: part.rows(cells[split]) for split, part in splits.items()}, what)


def _either(names: list[str]) -> str:
    names = [*names[:12], f"{len(names) - 12} others"] if len(names) > 12 else names
    return " or ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)
