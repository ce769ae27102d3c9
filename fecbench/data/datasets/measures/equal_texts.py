"""Count equal texts within and across splits, and find those with contradictory labels."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fecbench.data.datasets.measures.set_numbers import number_sets, set_name
from fecbench.data.datasets.rows import labels_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fecbench.data.datasets.dataset import EmotionData


EXAMPLES = 5  # contradictory texts that are shown


@dataclass(frozen=True)
class EqualTexts:
    """Numbers of equal texts.

    Attributes:
        duplicates: for each split, the rows whose text occurs in an earlier row of the split.
        shared: for each pair of splits, such as ``train/test``, the distinct texts that occur in both.
    """

    duplicates: Mapping[str, int]
    shared: Mapping[str, int]


def equal_texts(digests: Mapping[str, np.ndarray]) -> EqualTexts:
    """Count equal texts by their ``digests``, uint64 ``[N]`` for each split."""
    distinct = {split: np.unique(part) for split, part in digests.items()}
    return EqualTexts(
        {split: len(part) - len(distinct[split]) for split, part in digests.items()},
        {
            f"{one}/{other}": len(np.intersect1d(distinct[one], distinct[other], assume_unique=True))
            for one, other in combinations(digests, 2)
        },
    )


class Contradiction(NamedTuple):
    """A text with contradictory labels as it stands in its first row, and its rows of each label or set of labels."""

    text: str
    labels: Mapping[str, int]


@dataclass(frozen=True)
class Contradictions:
    """Texts that have different labels, or different sets of labels, in different rows.

    Attributes:
        texts: number of these texts in all splits together.
        rows: number of their rows.
        within: number of these texts in each split by itself.
        examples: those with the most rows.
    """

    texts: int
    rows: int
    within: Mapping[str, int]
    examples: tuple[Contradiction, ...]


def contradictions(data: EmotionData, digests: Mapping[str, np.ndarray]) -> Contradictions:
    """Find the texts with contradictory labels in the splits that have labels.

    Args:
        data: the data set.
        digests: uint64 ``[N]`` for each split; rows of one digest have equal texts.
    """
    labels, names = _labels(data)
    each = {name: _Groups(digests[name], labels[name]) for name in data.splits}
    every = _Groups(
        np.concatenate([digests[name] for name in data.splits]), np.concatenate([labels[name] for name in data.splits])
    )
    return Contradictions(
        len(every.contradictory),
        int(every.sizes[every.contradictory].sum()),
        {name: len(groups.contradictory) for name, groups in each.items()},
        tuple(_example(data, every, int(group), names) for group in every.largest(EXAMPLES)),
    )


def _labels(data: EmotionData) -> tuple[Mapping[str, np.ndarray], Sequence[str]]:
    """Return the number of each row's label or set of labels, int64 ``[N]`` for each split, and the numbers' names."""
    if data.one_label:
        return {name: labels_of(split) for name, split in data.splits.items()}, data.labels
    numbers = number_sets(data.splits)
    return numbers.by_split, [set_name(labels, data.labels) for labels in numbers.sets]


def _example(data: EmotionData, groups: _Groups, group: int, names: Sequence[str]) -> Contradiction:
    numbers, counts = np.unique(groups.labels[groups.group == group], return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return Contradiction(
        _text(data, int(groups.first[group])), {names[numbers[place]]: int(counts[place]) for place in order}
    )


def _text(data: EmotionData, row: int) -> str:
    """Return the text of a row by its number in all splits, one after another."""
    for split in data.splits.values():
        if row < len(split):
            return str(split[row]["text"])
        row -= len(split)
    raise IndexError(row)


class _Groups:
    """Rows grouped by the digest of their text.

    Attributes:
        labels: int64 ``[N]``, number of each row's label or set of labels.
        group: int64 ``[N]``, group of each row.
        first: int64 ``[G]``, first row of each group.
        sizes: int64 ``[G]``, rows of each group.
        contradictory: numbers of the groups with several labels.
    """

    def __init__(self, digests: np.ndarray, labels: np.ndarray):
        self.labels = labels
        _, self.first, self.group, self.sizes = np.unique(
            digests, return_index=True, return_inverse=True, return_counts=True
        )
        classes = int(labels.max()) + 1
        # a group and a label as one number, so that equal pairs count once
        kinds = np.bincount(np.unique(self.group * classes + labels) // classes)
        self.contradictory = np.flatnonzero(kinds > 1)

    def largest(self, most: int) -> np.ndarray:
        """Return the contradictory groups with the most rows; of equally large ones the first in the files."""
        order = np.lexsort((self.first[self.contradictory], -self.sizes[self.contradictory]))
        return self.contradictory[order[:most]]
