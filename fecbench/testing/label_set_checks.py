"""The conformance kit for objectives on texts with several labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import torch

from fecbench.testing.findings import NotConforming
from fecbench.testing.objective_checks import ObjectiveConformance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from fecbench.data.batch import Batch


class LabelSetConformance(ObjectiveConformance):
    """All checks of an objective, on texts with several labels, and two more.

    They are for objectives with ``multi`` among their ``labellings``.

    Attributes:
        name: the objective's name.
        settings: run settings and options that override its defaults in checks.
    """

    about: ClassVar[str] = "several labels a text"
    conditions: ClassVar[Mapping[str, object]] = {"dataset": "demo-multi", "epochs": 10}

    def test_losses_are_finite_for_any_number_of_labels(self) -> None:
        """Losses, logs and the weights after a step are finite if no text has a label, and if each has all."""
        for batch in self.subject.batches(1):
            for value, kind in ((0.0, "texts without labels"), (1.0, "texts with all labels")):
                targets = torch.full_like(batch.targets, value)
                self._require_finite(self.subject.stepper(), batch.with_truth(targets), f"a batch of {kind}")

    def test_every_label_of_a_text_counts(self) -> None:
        """The losses of a batch change if its texts lose their first label, and if they lose their last one."""
        if not self.subject.trains:
            return
        batch = self.subject.with_several_labels
        losses = self._losses(batch)
        for which, targets in (
            ("first", without_first_label(batch.targets)),
            ("last", without_first_label(batch.targets.flip(1)).flip(1)),
        ):
            if losses == self._losses(batch.with_truth(targets)):
                required = "losses that depend on all labels of a text"
                found = f"the same losses without the {which} label of texts with several"
                look = f"{self.subject.where('updates')}: read batch.targets as a whole, and use task.nll"
                raise NotConforming(required, found, look)

    def _losses(self, batch: Batch) -> list[tuple[str, list[float]]]:
        """Return the losses and logs of a first step on ``batch``."""
        return [(name, value.tolist()) for name, value in self.subject.stepper().step(batch, 1.0)]


def without_first_label(targets: Tensor) -> Tensor:
    """Return targets ``[B, C]`` without the first label of each text.

    >>> without_first_label(torch.tensor([[0.0, 1.0, 1.0], [1.0, 0.0, 1.0]]))
    tensor([[0., 0., 1.],
            [0., 0., 1.]])
    """
    has = targets > 0
    is_first = has & (has.cumsum(1) == 1)
    return targets.masked_fill(is_first, 0.0)
