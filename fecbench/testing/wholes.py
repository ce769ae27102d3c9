"""What whole runs must do: resume, learn, and read no rows but those that they are given."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path
from typing import Any

import torch

from fecbench.data.datasets.load import load_dataset
from fecbench.data.datasets.locations import DataLocations
from fecbench.testing.checks import ObjectiveChecks
from fecbench.testing.findings import NotConforming, innermost
from fecbench.testing.probes import StopAfterFirstEpoch, outcome
from fecbench.testing.reading import Reading, WatchedRun, files_of, watching

FEW = 240


class RunChecks(ObjectiveChecks):
    """Checks of an objective in runs from their beginning to their end."""

    def test_a_resumed_run_equals_an_unbroken_one(self) -> None:
        """A run that was stopped after its first epoch and resumed has the same second epoch, final weights and predictions."""
        with tempfile.TemporaryDirectory() as folder:
            whole, broken = Path(folder) / "whole", Path(folder) / "broken"
            short: dict[str, Any] = {"limit": max(FEW, 4 * self.subject.size), "epochs": 2}
            self.subject.run(whole, **short)
            try:
                self.subject.run(broken, observer=StopAfterFirstEpoch(), **short)
            except KeyboardInterrupt:
                self.subject.run(broken, resume=True, **short)
            unbroken, resumed = outcome(whole), outcome(broken)
        differ = [name for name, value in unbroken.items() if not torch.equal(value, resumed[name])]
        if differ:
            look = f"{self.subject.where('updates')}: keep what outlives an epoch in parameters and buffers"
            required = "the unbroken run's second epoch, weights and predictions"
            raise NotConforming(required, f"{', '.join(differ[:5])} differ after resuming", look)

    def test_no_rows_are_read_but_those_given(self) -> None:
        """Neither ``__init__`` nor a stage, an update or a prediction loads a data set or opens its files: test rows stay unseen."""
        files = files_of(lambda: load_dataset(self.subject.plan.settings, DataLocations()))
        self.subject.prepare()
        with watching(Reading()) as built:
            self.subject.stepper()
        ran = Reading()
        with tempfile.TemporaryDirectory() as folder:
            self.subject.run(
                Path(folder) / "run", observer=WatchedRun(ran), limit=max(FEW, 4 * self.subject.size), epochs=1
            )
        found = built.forbidden(files) or ran.forbidden(files)
        if found:
            reading, frames = found
            look = f"{innermost(frames, self.subject.plan.objective)}: use the stage's texts and labels, and streams(material)"
            raise NotConforming("rows that the stages, streams and batches hand over, and no others", reading, look)

    def test_it_learns(self) -> None:
        """Accuracy after a short training is above chance by three standard errors, where the method trains."""
        if not self.subject.trains:
            return
        rows, classes = len(self.subject.data.splits["validation"]), len(self.subject.data.labels)
        required = 1 / classes + 3 * math.sqrt((1 - 1 / classes) / classes / rows)
        with tempfile.TemporaryDirectory() as folder:
            found = self.subject.run(Path(folder) / "run").result["metrics"]["validation"]["accuracy"]
        if found <= required:
            epochs = self.subject.plan.settings.epochs
            look = f"{self.subject.where('updates')} (a slow learner may set `settings` to more epochs)"
            raise NotConforming(f"validation accuracy above {required:.3f}", f"{found:.3f} after {epochs} epochs", look)
