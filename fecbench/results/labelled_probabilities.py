"""The probabilities of a split's rows under a run on texts with several labels, beside their true labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fecbench.data.datasets.rows import targets_of
from fecbench.results.split_probabilities import label_numbers, split_probabilities
from fecbench.training.scoring import HALF

if TYPE_CHECKING:
    from typing import Self

    import numpy as np

    from fecbench.data.datasets.dataset import EmotionData
    from fecbench.runs.record import Record


@dataclass(frozen=True)
class LabelledProbabilities:
    """The true labels of texts and their probabilities under a run.

    Attributes:
        true: bool ``[N, C]``.
        probabilities: float64 ``[N, C]``.
    """

    true: np.ndarray
    probabilities: np.ndarray

    @classmethod
    def of(cls, record: Record, data: EmotionData, split: str) -> Self:
        """Return those of a split's rows, with the labels in the record's order.

        Raises:
            DataError: the split has no labels.
            RunError: the record has other labels or rows than the data, or a file of it is missing or broken.
        """
        targets = targets_of(data.labelled(split), len(data.labels))
        probabilities = split_probabilities(record, data, split).numpy()
        return cls(targets[:, label_numbers(record, data)] > HALF, probabilities)

    def part(self, rows: np.ndarray) -> LabelledProbabilities:
        """Return some rows."""
        return LabelledProbabilities(self.true[rows], self.probabilities[rows])
