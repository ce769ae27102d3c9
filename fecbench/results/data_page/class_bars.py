"""Bars of the rows of each class by split, as shares of the split on one scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fecbench.data.datasets.measures.classes import ClassCounts


MOST_CLASSES = 40  # classes that are shown without opening the list of the others


class Bar(NamedTuple):
    """The rows of a class in a split, their share in percent, and the bar's length in percent of the longest one."""

    rows: int
    share: float
    length: float


class ClassLine(NamedTuple):
    """A class with a bar for each split."""

    label: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class ClassBars:
    """The bars of all classes, the most frequent training class first.

    Attributes:
        splits: the splits that have labels.
        first: the classes that are shown at once.
        others: the other classes.
    """

    splits: tuple[str, ...]
    first: tuple[ClassLine, ...]
    others: tuple[ClassLine, ...]


def class_bars(classes: ClassCounts) -> ClassBars:
    """Return the bars of all classes."""
    order = classes.order
    shown = len(order) if len(order) <= MOST_CLASSES else MOST_CLASSES
    return ClassBars(tuple(classes.rows), tuple(_lines(classes, order[:shown])), tuple(_lines(classes, order[shown:])))


def _lines(classes: ClassCounts, numbers: Iterable[int]) -> Iterable[ClassLine]:
    longest = max(classes.share(split, int(rows.argmax())) for split, rows in classes.rows.items())
    for number in numbers:
        shares = {split: classes.share(split, number) for split in classes.rows}
        bars = (
            Bar(int(classes.rows[split][number]), round(100 * share, 2), round(100 * share / longest, 2))
            for split, share in shares.items()
        )
        yield ClassLine(classes.labels[number], tuple(bars))
