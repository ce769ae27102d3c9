"""The loop: epochs of updates, evaluation, early stopping, checkpoints. It knows no objective by name."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import torch
from accelerate.utils import set_seed

from fecbench import metrics as scores
from fecbench.batching import stream_seed
from fecbench.errors import NumericalError, ProtocolError
from fecbench.evaluation import answers, split_logits
from fecbench.streams import with_streams

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from fecbench.batching import TokenisedSplit, TrainingBatches
    from fecbench.checkpoints import Checkpoints
    from fecbench.hooks import Observers, RunInfo
    from fecbench.settings import RunSettings
    from fecbench.stepper import Stepper
    from fecbench.streams import StreamBatches

LOG_EVERY = 10


def share_of_peak(schedule: str, step: int, steps: int, warmup: float) -> float:
    """Share of the peak learning rate at ``step`` of ``steps``: a linear rise over the share ``warmup``, then what ``schedule`` says.

    >>> [share_of_peak("linear", step, 4, 0.0) for step in range(5)]
    [1.0, 0.75, 0.5, 0.25, 0.0]
    >>> [share_of_peak("constant", step, 4, 0.5) for step in range(5)]
    [0.0, 0.5, 1.0, 1.0, 1.0]
    """
    rise = round(warmup * steps)
    if step < rise:
        return step / rise
    return (steps - step) / max(1, steps - rise) if schedule == "linear" else 1.0


@dataclass
class Progress:
    """How far training has come: finished epochs, the best of them, its score, epochs since, and seconds spent on training batches."""

    epoch: int = 0
    best_epoch: int = 0
    best_score: float = -1.0
    stale: int = 0
    seconds: float = 0.0

    def update(self, epoch: int, score: float) -> bool:
        """Count ``epoch``; True where it is the best so far (a tie is: the later epoch counts)."""
        self.epoch = epoch
        best = score >= self.best_score
        if best:
            self.best_epoch, self.best_score = epoch, score
        self.stale = 0 if best else self.stale + 1
        return best


@dataclass
class Window:
    """Logs that stay on the device until they are fetched together."""

    entries: list[tuple[int, str, Tensor]] = field(default_factory=list)

    def add(self, step: int, logs: list[tuple[str, Tensor]]) -> None:
        """Keep a batch's logs."""
        self.entries += [(step, name, value) for name, value in logs]

    def fetch(self, who: str, epoch: int) -> dict[str, list[float]]:
        """All values by name, in one transfer; the window is empty afterwards.

        Raises:
            NumericalError: a value is infinite or NaN.
        """
        entries, self.entries = self.entries, []
        if not entries:
            return {}
        device = entries[0][2].device
        values = torch.stack([value.to(device, torch.float32).reshape(()) for _, _, value in entries]).tolist()
        by_name = defaultdict(list)
        for (step, name, _), value in zip(entries, values, strict=True):
            if not math.isfinite(value):
                parts = ", ".join(f"{n} {v:.4g}" for (s, n, _), v in zip(entries, values, strict=True) if s == step)
                raise NumericalError(
                    f"{who}: every loss and log must be finite, but at epoch {epoch}, batch {step + 1} found {parts}; try a lower --lr, "
                    "--clip 1 or --precision float32 (a checkpoint of an earlier epoch is kept)"
                )
            by_name[name].append(value)
        return dict(by_name)


def means(values: Mapping[str, list[float]]) -> dict[str, float]:
    """The mean of each list."""
    return {name: sum(numbers) / len(numbers) for name, numbers in values.items()}


@dataclass
class Trainer:
    """Trains one objective on one data set; everything it needs is built before."""

    stepper: Stepper
    batches: TrainingBatches
    validation: TokenisedSplit
    settings: RunSettings
    metrics: dict[str, scores.Metric]
    checkpoints: Checkpoints
    observers: Observers
    run: RunInfo
    streams: Mapping[str, StreamBatches] = field(default_factory=dict)
    progress: Progress = field(default_factory=Progress)

    @property
    def modules(self) -> dict[str, torch.nn.Module]:
        """What is saved: model and objective."""
        return {"model": self.stepper.model, "objective": self.stepper.objective}

    def resume(self) -> bool:
        """Continue from the last finished epoch's checkpoint; False where there is none."""
        found = self.checkpoints.load_last(self.modules)
        if found is None:
            return False
        tensors, about = found
        for player in self.stepper.players.values():
            player.load(tensors)
        self.progress = Progress(**about)
        return True

    def fit(self) -> Progress:
        """Train until the last epoch, or until patience ends; the best epoch's weights are in its checkpoint.

        Raises:
            ProtocolError: the objective broke a rule.
            NumericalError: a loss became infinite or NaN.
        """
        while self.progress.epoch < self.settings.epochs and self.progress.stale < self.settings.patience:
            epoch, started = self.progress.epoch + 1, time.perf_counter()
            logs = self._train(epoch)
            self.progress.seconds += time.perf_counter() - started
            self._check_weights(epoch)
            self.observers.notify("epoch_finished", run=self.run, epoch=epoch, logs=logs)
            found = self.score(self.validation)
            best = self.progress.update(epoch, found["accuracy"] + found["weighted_f1"])
            self.observers.notify("evaluated", run=self.run, epoch=epoch, split="validation", metrics=found, best=best)
            self._save(best)
        return self.progress

    def _train(self, epoch: int) -> dict[str, float]:
        set_seed(stream_seed(self.settings.seed, epoch, "noise", self.batches.rank) % 2**32)
        per_epoch, window = len(self.batches), Window()
        total: dict[str, list[float]] = defaultdict(list)
        self.stepper.model.train()
        self.stepper.objective.train()
        steps = self.settings.epochs * per_epoch
        for step, batch in enumerate(self.batches.epoch(epoch)):
            number = (epoch - 1) * per_epoch + step
            factor = share_of_peak(self.settings.schedule, number, steps, self.settings.warmup)
            batch_here = with_streams(batch, self.streams, number).to(self.stepper.precision.device)
            window.add(step, self.stepper.step(batch_here, factor, step < 2, number, steps))
            if (step + 1) % LOG_EVERY == 0 or step + 1 == per_epoch:
                values = window.fetch(self.stepper.who, epoch)
                self.observers.notify("updates_logged", run=self.run, epoch=epoch, step=step + 1, logs=means(values))
                for name, numbers in values.items():
                    total[name] += numbers
        if not total:
            raise ProtocolError(f"{self.stepper.who}: updates yielded nothing in a whole epoch; yield an update, or say trains = False")
        return means(total)

    def _check_weights(self, epoch: int) -> None:
        """A loss can be finite and its gradient not: weights are looked at before they are scored and kept.

        Raises:
            NumericalError: a weight is infinite or NaN.
        """
        tensors = [p for player in self.stepper.players.values() for p in player.parameters.values()]
        if not torch.stack([tensor.detach().isfinite().all() for tensor in tensors]).all():
            raise NumericalError(
                f"{self.stepper.who}: every weight must be finite, but after epoch {epoch} some aren't; try a lower --lr, --clip 1 or "
                "--precision float32 (a checkpoint of an earlier epoch is kept)"
            )

    def logits(self, split: TokenisedSplit) -> Tensor:
        """Logits ``[N, C]`` of ``split`` under the present weights."""
        s = self.stepper
        return split_logits(s.objective, s.model, split, self.settings.batch_size, s.precision, self.batches.rank, self.batches.ranks)

    def score(self, split: TokenisedSplit) -> dict[str, float]:
        """Every metric on ``split`` under the present weights."""
        predicted = answers(self.logits(split)).numpy()
        return scores.score(split.labels, predicted, self.stepper.objective.task.classes, self.metrics)

    def _save(self, best: bool) -> None:
        """Best first: should the process die between the two, the epoch is done again and both are written again."""
        if self.batches.rank == 0:
            if best:
                self.checkpoints.save_best(self.modules, {"epoch": self.progress.epoch})
            optimizers: dict[str, Tensor] = {}
            for player in self.stepper.players.values():
                optimizers |= player.state()
            self.checkpoints.save_last(self.modules, optimizers, asdict(self.progress))
