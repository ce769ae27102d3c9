"""Checks that a text's logits depend on the text and on saved state alone."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from fecbench.model.model import precompute
from fecbench.testing.checks import ObjectiveChecks
from fecbench.testing.findings import NotConforming
from fecbench.testing.plugin_checks import NEAR
from fecbench.training.checkpoints import Checkpoints, state_of

if TYPE_CHECKING:
    from torch import Tensor

    from fecbench.training.stepper import Stepper


class PredictionChecks(ObjectiveChecks):
    """Checks of an objective's ``predict``."""

    def test_predictions_need_no_labels_and_no_row_numbers(self) -> None:
        """A text's logits don't depend on the batch's labels and row numbers."""
        stepper, batch, data = self._trained(), self.subject.first, self.subject.data
        unlabelled = batch.unlabelled()
        expected = self.subject.predict(stepper, unlabelled)
        others = (batch.truth + 1) % len(data.labels) if data.one_label else 1 - batch.truth
        for truth in (batch.truth, others):
            self._require_near(expected, self.subject.predict(stepper, unlabelled.with_truth(truth)), "other labels")
        for rows in (batch.rows, batch.rows.flip(0)):
            self._require_near(expected, self.subject.predict(stepper, replace(unlabelled, rows=rows)), "other rows")

    def test_predictions_do_not_depend_on_the_rest_of_the_batch(self) -> None:
        """A text has the same logits alone, beside other texts, at another position in the batch, and when repeated."""
        stepper, size = self._trained(), len(self.subject.first)
        expected = self.subject.predict(stepper)
        self._require_near(self.subject.predict(stepper), expected, "the same batch, predicted again")
        for batching, parts in {
            "another order": [torch.arange(size).flip(0)],
            "smaller batches": list(torch.arange(size).flip(0).split(5)),
            "a batch of one text": [torch.tensor([0]), torch.tensor([size - 1])],
        }.items():
            for rows in parts:
                found = self.subject.predict(stepper, self.subject.batch(rows.numpy()).unlabelled())
                self._require_near(expected[rows], found, batching)

    def test_predictions_change_no_state(self) -> None:
        """``predict`` doesn't change parameters and buffers."""
        stepper = self._trained()
        precompute(stepper.model, stepper.objective)
        before = {name: value.clone() for name, value in self._state(stepper).items()}
        self.subject.predict(stepper)
        changed = [name for name, value in self._state(stepper).items() if not value.equal(before[name])]
        if changed:
            look = f"{self.subject.where('predict')}: fit it in updates or after_training"
            raise NotConforming(
                "parameters and buffers as they were before predict", f"{', '.join(changed[:5])} changed", look
            )

    def test_state_survives_saving_and_loading(self) -> None:
        """A new object with the saved weights makes the same predictions as the old one."""
        # Another seed, so that state which isn't saved can't be equal by its initialisation.
        old, new = self.subject.stepper(), self.subject.stepper(seed=1)
        for batch in self.subject.batches(2):
            old.step(batch, 1.0)
        with tempfile.TemporaryDirectory() as folder:
            checkpoints = Checkpoints(Path(folder))
            precompute(old.model, old.objective)
            checkpoints.save_best({"model": old.model, "objective": old.objective}, {})
            checkpoints.load_best({"model": new.model, "objective": new.objective})
        expected, found = (self.subject.predict(stepper) for stepper in (old, new))
        if not expected.equal(found):
            look = f"{self.subject.where('__init__')}: keep state in parameters and buffers"
            raise NotConforming(
                "the saved object's logits", f"logits that differ by up to {(expected - found).abs().max():.2g}", look
            )

    def _trained(self) -> Stepper:
        """Return a stepper after two batches."""
        stepper: Stepper = self.subject.stepper()
        for batch in self.subject.batches(2):
            stepper.step(batch, 1.0)
        return stepper

    def _state(self, stepper: Stepper) -> dict[str, Tensor]:
        return state_of({"model": stepper.model, "objective": stepper.objective})

    def _require_near(self, expected: Tensor, found: Tensor, where: str) -> None:
        if found.shape != expected.shape or not torch.allclose(expected, found, rtol=NEAR, atol=NEAR):
            if found.shape == expected.shape:
                # Rows without an answer are -inf in both, and the difference of infinities is NaN.
                finding = f"logits that differ by up to {(expected - found).abs().nan_to_num().max():.2g} with {where}"
            else:
                finding = f"logits of shape {list(found.shape)} with {where}"
            look = f"{self.subject.where('predict')}: predict from each text's tokens, and from parameters and buffers"
            raise NotConforming("logits of a text that don't depend on its batch", finding, look)
