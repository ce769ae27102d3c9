"""Checks of whole runs: they resume exactly, learn, and read no rows but those passed to them."""

from __future__ import annotations

import math
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from fecbench.data.datasets.load import load_dataset
from fecbench.data.datasets.locations import DataLocations
from fecbench.data.datasets.rows import targets_of
from fecbench.testing.checks import ObjectiveChecks
from fecbench.testing.data_access import DataAccess, WatchRun, files_of, watch
from fecbench.testing.findings import NotConforming, innermost
from fecbench.testing.probes import StopAfterFirstEpoch, StopOnceAbove, Stopped, results_of
from fecbench.training.label_set_metrics import mean_average_precision

if TYPE_CHECKING:
    from fecbench.data.datasets.dataset import EmotionData

FEW = 4  # training batches of an epoch of a short run
DRAWS = 50  # random rankings from which chance is estimated


class RunChecks(ObjectiveChecks):
    """Checks of an objective in whole runs."""

    def test_a_resumed_run_equals_an_unbroken_one(self) -> None:
        """A run stopped after one epoch and resumed equals an unbroken one: second epoch, weights and predictions."""
        with tempfile.TemporaryDirectory() as folder:
            whole, broken = Path(folder) / "whole", Path(folder) / "broken"
            # Two epochs: the shortest run that can stop at a checkpoint and go on.
            short: dict[str, Any] = {"limit": FEW * self.quick.size, "epochs": 2}
            self.quick.run(whole, **short)
            try:
                self.quick.run(broken, observer=StopAfterFirstEpoch(), **short)
            except Stopped:
                self.quick.run(broken, resume=True, **short)
            unbroken, resumed = results_of(whole), results_of(broken)
        differ = [name for name, value in unbroken.items() if not torch.equal(value, resumed[name])]
        if differ:
            look = f"{self.quick.where('updates')}: keep state that outlives an epoch in parameters and buffers"
            required = "the unbroken run's second epoch, weights and predictions"
            raise NotConforming(required, f"{', '.join(differ[:5])} differ after resuming", look)

    def test_no_rows_are_read_but_those_given(self) -> None:
        """``__init__``, stages, updates and predictions load no data set and open none of its files.

        So an objective can't see test rows in training.
        """
        files = files_of(lambda: load_dataset(self.quick.plan.settings, DataLocations()))
        self.quick.prepare()  # before the watch begins: the subject's own data are read from these very files
        with watch(DataAccess()) as at_building:
            self.quick.stepper()
        in_run = DataAccess()
        with tempfile.TemporaryDirectory() as folder:
            self.quick.run(Path(folder) / "run", observer=WatchRun(in_run), limit=FEW * self.quick.size, epochs=1)
        forbidden = at_building.forbidden(files) or in_run.forbidden(files)
        if forbidden:
            what, frames = forbidden
            location = innermost(frames, self.quick.plan.objective)
            look = f"{location}: use the stage's texts and labels, and streams(material)"
            raise NotConforming("no rows but those of stages, streams and batches", what, look)

    def test_it_learns(self) -> None:
        """A short training lifts the validation score above chance by three standard errors, if it trains.

        The training stops at the first epoch with such a score. The score is the accuracy, or the mean average
        precision if a text can have several labels.
        """
        if not self.subject.trains:
            return
        metric, required = _above_chance(self.subject.data)
        reached = StopOnceAbove(metric, required)
        with tempfile.TemporaryDirectory() as folder, suppress(Stopped):
            self.subject.run(Path(folder) / "run", observer=reached)
        if reached.best <= required:
            epochs = self.subject.plan.settings.epochs
            look = (
                f"{self.subject.where('updates')} (if it learns slowly, set more epochs in the test class's `settings`)"
            )
            finding = f"{reached.best:.3f} after {epochs} epochs"
            raise NotConforming(f"validation {metric} above {required:.3f}", finding, look)


def _above_chance(data: EmotionData) -> tuple[str, float]:
    """Return a metric of the validation rows, and its value at chance plus three standard errors."""
    validation, classes = data.splits["validation"], len(data.labels)
    if data.labelling == "single":
        # Chance p = 1 / C; the standard error of accuracy at chance is sqrt(p (1 - p) / rows).
        return "accuracy", 1 / classes + 3 * math.sqrt((1 - 1 / classes) / classes / len(validation))
    true, generator = targets_of(validation, classes) > 0, np.random.default_rng(0)
    drawn = [mean_average_precision(true, generator.random(true.shape)) for _ in range(DRAWS)]
    return "mean_average_precision", float(np.mean(drawn) + 3 * np.std(drawn))
