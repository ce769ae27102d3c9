"""The marks of labels in a figure: one for each label, or one for each group of emotions if there are many labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fecbench.results.plots.emotion_groups import GROUPS, emotion_groups
from fecbench.results.plots.marks import Mark, mark

if TYPE_CHECKING:
    from collections.abc import Sequence

MANY = 8  # largest number of labels that have marks of their own


class Marked(NamedTuple):
    """An entry of the legend: its text, the labels that it stands for, as numbers, and their mark."""

    text: str
    labels: tuple[int, ...]
    mark: Mark


def label_marks(names: Sequence[str]) -> tuple[Marked, ...]:
    """Return the legend's entries: a label each, or a group of emotions each if there are more than ``MANY`` labels.

    A group has the same colour and shape in every figure. Labels that are mostly no emotions are never grouped.

    >>> [entry.text for entry in label_marks(("sad", "mad"))]
    ['sad', 'mad']
    """
    groups = emotion_groups(names) if len(names) > MANY else {}
    if not groups:
        return tuple(Marked(name, (number,), mark(number)) for number, name in enumerate(names))
    numbers = {name: number for number, name in enumerate(names)}
    return tuple(
        Marked(_group_text(group, members), tuple(numbers[name] for name in members), mark(GROUPS.index(group)))
        for group, members in groups.items()
    )


def _group_text(group: str, members: Sequence[str]) -> str:
    """Return the group with its labels, or its only label."""
    return members[0] if len(members) == 1 else f"{group}: {', '.join(members)}"
