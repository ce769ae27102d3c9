"""Results of a run on texts with several labels: thresholds from validation rows, scores, predictions."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch

from fecbench.runs.board_counts import board_counts
from fecbench.training.scoring import ScoredRows, label_table
from fecbench.training.threshold_rule import ThresholdRule

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
        rule: how labels are decided.
    """

    labels: Sequence[str]
    splits: Mapping[str, TokenisedSplit]
    logits: Mapping[str, Tensor]
    scored: Sequence[str]
    rule: ThresholdRule = field(default_factory=ThresholdRule)

    @cached_property
    def thresholds(self) -> np.ndarray:
        """The threshold of each label ``[C]``, from validation rows alone; the fixed one if these aren't scored."""
        if "validation" not in self.scored:
            return self.rule.untuned(len(self.labels))
        rows = ScoredRows(self.splits["validation"], self.logits["validation"], "multi")
        return self.rule.tuned(rows.true, rows.probabilities)

    def rows(self, split: str) -> ScoredRows:
        """Return the rows of a split as they are scored."""
        return ScoredRows(self.splits[split], self.logits[split], "multi", self.thresholds, self.rule)

    @cached_property
    def test(self) -> ScoredRows:
        """The test rows; without labels their ``true`` means nothing."""
        return self.rows("test")

    @property
    def given(self) -> np.ndarray:
        """The labels given to each test text, bool ``[N, C]``."""
        return self.test.given

    @property
    def named_thresholds(self) -> dict[str, float]:
        """The thresholds by label."""
        return dict(zip(self.labels, self.thresholds.tolist(), strict=True))

    def by_class(self) -> dict[str, Any]:
        """Return the thresholds; if the test split has labels, also the scores of each and what a board needs."""
        fields: dict[str, Any] = {"thresholds": self.named_thresholds}
        if "test" in self.scored:
            table = label_table(self.test.true, self.given)
            fields["per_class"] = dict(zip(self.labels, table, strict=True))
            fields |= board_counts(self.test.targets, self.test.probabilities, self.given)
        return fields

    def predictions(self) -> dict[str, Tensor]:
        """Return the arrays of the predictions file.

        Labels that were given wrongly are told from right ones, but labels that were missed aren't revealed, since the
        data's licence may forbid it: ``size`` has their number alone.
        """
        given = torch.from_numpy(self.given)
        arrays = {"row": torch.arange(len(given)), "logits": self.logits["test"], "given": given}
        if "test" not in self.scored:
            return arrays
        true = torch.from_numpy(self.test.true)
        return {**arrays, "hits": given & true, "size": true.sum(1).to(torch.int16)}

    def validation(self) -> dict[str, Tensor]:
        """Return row numbers and logits of the validation rows, so that other thresholds can be tuned from a record."""
        logits = self.logits["validation"]
        return {"row": torch.arange(len(logits)), "logits": logits}
