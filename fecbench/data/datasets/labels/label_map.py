"""Turn labels into classes: rename and merge labels by a map, and leave out the rows of others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fecbench.core.errors import DataError, UnknownName
from fecbench.core.text import shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fecbench.data.datasets.description.schema import LabelDescription


def class_by_label(known: Sequence[str], labels: LabelDescription, where: str) -> dict[str, str | None]:
    """Return the class of each ``known`` label; None if its rows are left out.

    Args:
        known: all label names.
        labels: the map, and the classes to drop or to keep.
        where: location of the data set, for messages.

    Raises:
        DataError: the map lists a label, or drop or keep a class, that there isn't.
    """
    check_known_classes(labels.map_of_old, known, "map", where)
    classes = {label: labels.map_of_old.get(label, label) for label in known}
    check_known_classes(labels.drop, classes.values(), "drop", where)
    check_known_classes(labels.keep, classes.values(), "keep", where)
    return {
        label: None if name in labels.drop or (labels.keep and name not in labels.keep) else name
        for label, name in classes.items()
    }


def check_known_classes(names: Iterable[str], known: Iterable[str], key: str, where: str) -> None:
    """Raise DataError unless all ``names`` that ``key`` lists are ``known``; the message suggests the nearest."""
    known = list(dict.fromkeys(known))
    for name in names:
        if name not in known:
            raise DataError(f"{where}: {key} under [labels]: {UnknownName('label', name, known)}")


def map_note(labels: LabelDescription, rows: Mapping[str, int]) -> list[str]:
    """Return a note on the labels that have another name in the data set.

    Args:
        labels: the map.
        rows: number of rows of each label, in all splits.
    """
    changed = {new: [old for old in olds if old != new and rows.get(old)] for new, olds in labels.map.items()}
    told = [
        f"{new} from {shortened(olds, 12)} ({sum(rows[old] for old in olds):,} rows)"
        for new, olds in changed.items()
        if olds
    ]
    return [f"labels have other names than in the files: {'; '.join(told)}"] if told else []
