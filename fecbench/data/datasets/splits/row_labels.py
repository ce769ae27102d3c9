"""List the labels of rows for a cut: one entry for each pair of row and label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fecbench.data.datasets.rows import labels_of, values
from fecbench.data.datasets.splits.row_units import units_of

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass(frozen=True)
class RowLabels:
    """The labels of rows; a row with three labels has three entries.

    Attributes:
        rows: int64 ``[M]``, row number of each entry, ascending.
        labels: int64 ``[M]``, its label. A row without a label has one entry, whose label is ``C``: such rows count as
            a class of their own.
        units: int64 ``[M]``, unit of its row (:func:`units_of`).
    """

    rows: np.ndarray
    labels: np.ndarray
    units: np.ndarray

    @classmethod
    def of(cls, split: Dataset, classes: int) -> RowLabels:
        """List the labels of a split, of which there are ``classes``; a label with any share of a text counts."""
        units = units_of(split)
        if "label" in split.column_names:
            return cls(np.arange(len(split)), labels_of(split), units)
        sizes = np.fromiter((max(len(labels), 1) for labels in values(split["labels"])), np.int64, len(split))
        entries = (label for labels in values(split["labels"]) for label in labels or [classes])
        labels = np.fromiter(entries, np.int64, int(sizes.sum()))
        return cls(np.repeat(np.arange(len(split)), sizes), labels, np.repeat(units, sizes))

    def where(self, entries: np.ndarray) -> RowLabels:
        """Return the entries of a mask, bool ``[M]``."""
        return RowLabels(self.rows[entries], self.labels[entries], self.units[entries])

    def of_rows(self, parts: np.ndarray) -> np.ndarray:
        """Return a number for each row ``[N]`` from those of its entries ``[M]``, which are equal."""
        numbers = np.empty(len(np.unique(self.rows)), parts.dtype)
        numbers[self.rows] = parts
        return numbers

    def units_of_label(self, label: int) -> int:
        """Return the number of units that have a label."""
        return len(np.unique(self.units[self.labels == label]))
