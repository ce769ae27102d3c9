"""Count the rows of each class in each split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fecbench.data.datasets.rows import class_counts as rows_of_classes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fecbench.data.datasets.dataset import EmotionData


@dataclass(frozen=True)
class ClassCounts:
    """The rows of each class by split.

    Attributes:
        labels: the ``C`` label names.
        rows: int64 ``[C]`` for each split with labels: the rows of each label. A row with several counts for each.
        sizes: the number of rows of these splits.
    """

    labels: tuple[str, ...]
    rows: Mapping[str, np.ndarray]
    sizes: Mapping[str, int]

    @property
    def order(self) -> list[int]:
        """The numbers of the labels, most frequent in train first; ties by rows in all splits, then by number."""
        every = np.sum(list(self.rows.values()), axis=0)
        return [int(number) for number in np.lexsort((-every, -self.rows["train"]))]

    @property
    def most_frequent(self) -> int:
        """The number of the most frequent training class; the first of several."""
        return int(self.rows["train"].argmax())

    @property
    def least_frequent(self) -> int:
        """The number of the least frequent training class; the first of several."""
        return int(self.rows["train"].argmin())

    @property
    def balance(self) -> float:
        """Entropy of the training labels divided by that of a uniform distribution; 1 if all classes have one size."""
        share = self.rows["train"][self.rows["train"] > 0] / self.rows["train"].sum()
        return float(-(share * np.log(share)).sum() / np.log(len(self.labels)))

    def share(self, split: str, label: int) -> float:
        """Return the share of a split's rows that have a label."""
        return float(self.rows[split][label] / self.sizes[split])

    def missing(self, split: str) -> tuple[str, ...]:
        """Return the labels without a row in a split."""
        return tuple(label for label, count in zip(self.labels, self.rows[split], strict=True) if not count)


def class_counts(data: EmotionData) -> ClassCounts:
    """Return the rows of each class in the splits that have labels."""
    return ClassCounts(
        data.labels,
        {name: rows_of_classes(split, len(data.labels)) for name, split in data.splits.items()},
        {name: len(split) for name, split in data.splits.items()},
    )
