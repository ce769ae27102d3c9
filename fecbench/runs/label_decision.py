"""The decision of a run on the labels that it gives to a text that can have several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from fecbench.core.errors import RunError
from fecbench.objective.labelling import decide
from fecbench.runs.record import RESULT

if TYPE_CHECKING:
    from torch import Tensor

    from fecbench.runs.record import Record


@dataclass(frozen=True)
class LabelDecision:
    """The decision of a complete run: a label is given if its probability reaches its threshold.

    Attributes:
        thresholds: the probability from which each label is given, by index.
        at_least_one: True if a text that reaches no threshold is given its most probable label.
    """

    thresholds: tuple[float, ...]
    at_least_one: bool = False

    @classmethod
    def of(cls, record: Record) -> LabelDecision | None:
        """Return the decision of a complete run; None if a text has one label.

        Raises:
            RunError: the record lacks the threshold of a label.
        """
        dataset = record.run_file.dataset
        if dataset.labelling == "single":
            return None
        recorded = record.result_file.thresholds or {}
        missing = [label for label in dataset.labels if label not in recorded]
        if missing:
            raise RunError(
                f"{record.folder / RESULT} must have a threshold for every label, but has none for "
                f"{', '.join(missing)}; restore it or run it again"
            )
        at_least_one = bool(record.settings()["at_least_one"])
        return cls(tuple(recorded[label] for label in dataset.labels), at_least_one)

    def given(self, probabilities: Tensor) -> Tensor:
        """Return the labels that each text is given, bool ``[N, C]``, by its probabilities ``[N, C]``."""
        # In float64, as the thresholds were tuned: float32 rounds probabilities near 1 to 1.
        thresholds = torch.tensor(self.thresholds, dtype=torch.float64)
        return decide(probabilities.double(), "multi", thresholds, self.at_least_one)
