"""Results of a run on texts with several labels: thresholds from validation rows, scores, predictions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch

from fecbench.runs.board_counts import board_counts
from fecbench.training.scoring import (
    HALF,
    fixed_thresholds,
    label_table,
    multi_probabilities,
    multi_scores,
    validation_thresholds,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from torch import Tensor

    from fecbench.data.batches import TokenisedSplit


@dataclass(frozen=True)
class LabelSetResults:
    """The results under the best weights.

    Attributes:
        labels: label names, by index.
        splits: the texts and their targets, by split.
        logits: ``[N, C]``, by split.
        scored: the splits that are scored; a test split without labels isn't.
    """

    labels: Sequence[str]
    splits: Mapping[str, TokenisedSplit]
    logits: Mapping[str, Tensor]
    scored: Sequence[str]

    @cached_property
    def thresholds(self) -> np.ndarray:
        """The threshold of each label ``[C]``, from validation rows alone; 0.5 if these aren't scored."""
        if "validation" not in self.scored:
            return fixed_thresholds(len(self.labels))
        return validation_thresholds(self.splits["validation"], self.logits["validation"])

    def metrics(self) -> dict[str, dict[str, float]]:
        """Return the scores by split and metric."""
        return {split: multi_scores(self.splits[split], self.logits[split], self.thresholds) for split in self.scored}

    def by_class(self) -> dict[str, Any]:
        """Return the thresholds; if the test split has labels, also the scores of each and what a board needs."""
        fields: dict[str, Any] = {"thresholds": dict(zip(self.labels, self.thresholds.tolist(), strict=True))}
        if "test" in self.scored:
            table = label_table(self.splits["test"], self.given)
            fields["per_class"] = dict(zip(self.labels, table, strict=True))
            fields |= board_counts(self.splits["test"].targets, multi_probabilities(self.logits["test"]), self.given)
        return fields

    @cached_property
    def given(self) -> np.ndarray:
        """The labels given to each test text, bool ``[N, C]``."""
        given: np.ndarray = multi_probabilities(self.logits["test"]) >= self.thresholds
        return given

    def predictions(self) -> dict[str, Tensor]:
        """Return the arrays of the predictions file.

        Labels that were given wrongly are told from right ones, but labels that were missed aren't revealed, since the
        data's licence may forbid it: ``size`` has their number alone.
        """
        given = torch.from_numpy(self.given)
        arrays = {"row": torch.arange(len(given)), "logits": self.logits["test"], "given": given}
        if "test" not in self.scored:
            return arrays
        true = torch.from_numpy(self.splits["test"].targets > HALF)
        return {**arrays, "hits": given & true, "size": true.sum(1).to(torch.int16)}

    def validation(self) -> dict[str, Tensor]:
        """Return row numbers and logits of the validation rows, so that other thresholds can be tuned from a record."""
        logits = self.logits["validation"]
        return {"row": torch.arange(len(logits)), "logits": logits}
