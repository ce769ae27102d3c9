"""The probabilities of a split's rows under a run on texts with several labels, beside their true labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fecbench.core.errors import RunError
from fecbench.data.datasets.rows import targets_of
from fecbench.training.scoring import HALF, exact_probabilities

if TYPE_CHECKING:
    from collections.abc import Mapping
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
    def of(cls, record: Record, data: EmotionData, split: str, arrays: Mapping[str, np.ndarray]) -> Self:
        """Return those of a split's rows, with the labels in the record's order.

        Args:
            record: the run's record.
            data: its data set, whose labels may have another order.
            split: the split.
            arrays: those of the record's file of this split, with ``logits``.

        Raises:
            DataError: the split has no labels.
            RunError: the record has other labels or rows than the data.
        """
        import torch

        labels, logits = record.run_file.dataset.labels, arrays.get("logits")
        targets = targets_of(data.labelled(split), len(data.labels))
        if sorted(labels) != sorted(data.labels) or logits is None or logits.shape != targets.shape:
            raise RunError(
                f"{record.folder} must hold logits of every {split} row and label of {data.name}, but doesn't; restore "
                "it or run it again"
            )
        true = targets[:, [data.labels.index(label) for label in labels]] > HALF
        return cls(true, exact_probabilities(torch.from_numpy(logits), "multi"))

    def part(self, rows: np.ndarray) -> LabelledProbabilities:
        """Return some rows."""
        return LabelledProbabilities(self.true[rows], self.probabilities[rows])
