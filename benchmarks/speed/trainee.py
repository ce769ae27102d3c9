"""A method in training, built as `fecbench run` builds it, but without evaluation, checkpoints and record."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import torch
from accelerate.utils import set_seed

from fecbench.data.batch import stream_seed
from fecbench.data.batches import TrainingBatches
from fecbench.data.datasets.load import load_dataset
from fecbench.data.datasets.locations import DataLocations
from fecbench.data.streams import StreamBatches, with_streams
from fecbench.runs.build import Built, build, stage_of, streams_of
from fecbench.runs.plan import Plan, plan
from fecbench.training import devices
from fecbench.training.logs import LOG_EVERY, Window
from fecbench.training.optimizers import assign_parameters
from fecbench.training.stepper import Stepper

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from fecbench import Batch


@dataclass(frozen=True)
class Trainee:
    """A stepper and its batches.

    Attributes:
        plan: the method and its settings.
        built: rows, model and objective.
        stepper: makes the steps.
        batches: the batches of each epoch.
        streams: the objective's streams, by name.
    """

    plan: Plan
    built: Built
    stepper: Stepper
    batches: TrainingBatches
    streams: Mapping[str, StreamBatches]

    @classmethod
    def of(
        cls,
        method: str,
        settings: Mapping[str, Any],
        data_dir: Path | None = None,
        steps: int | None = None,
        kind: type[Stepper] = Stepper,
    ) -> Trainee:
        """Build ``method`` with ``settings`` on rows for ``steps`` batches, by default on all rows."""
        chosen = plan(method, settings)
        if steps:
            chosen = plan(method, {**settings, "limit": steps * chosen.settings.batch_size})
        device = devices.accelerator(chosen.settings.device).device
        data = load_dataset(chosen.settings, DataLocations(data_dir))
        built, s = build(chosen, data, device), chosen.settings
        batches = TrainingBatches(built.splits["train"], s.batch_size, s.seed, s.order == "bucketed", chosen.needs)
        players = assign_parameters(built.objective.train(), built.model.train(), s, chosen.who)
        streams = streams_of(built, data, batches)
        set_seed(stream_seed(s.seed, "before_training", 0) % 2**32)
        built.objective.before_training(stage_of(built, data, s, device))
        precision = devices.precision(s.precision, device)
        stepper = kind(built.objective, built.model, players, precision, chosen.who, s.clip)
        return cls(chosen, built, stepper, batches, streams)

    @property
    def device(self) -> torch.device:
        """The device of the model."""
        return self.stepper.precision.device

    @property
    def parameters(self) -> int:
        """The number of trained parameters."""
        return sum(p.numel() for player in self.stepper.players.values() for p in player.trainable())

    def first_batches(self, count: int | None = None) -> Iterator[Batch]:
        """Yield the first batches of an epoch, or all, with streams, on the host."""
        batches = (with_streams(batch, self.streams, number) for number, batch in enumerate(self.batches.epoch(1)))
        return islice(batches, count)

    def epoch_seconds(self) -> float:
        """Return the mean seconds of a step over the first epoch: batches are made and logs fetched as in a run.

        A second call repeats the same batches, so that it meets no new width.
        """
        started, window, steps = finished(self.device), Window(), 0
        for steps, batch in enumerate(self.first_batches(), 1):
            window.add(steps, self.stepper.step(batch.to(self.device), 1.0))
            if steps % LOG_EVERY == 0:
                window.fetch(self.stepper.who, 1)
        return (finished(self.device) - started) / steps


def finished(device: torch.device) -> float:
    """Wait until ``device`` has finished all its work, and return the time."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
