"""The training loop: epochs of updates, evaluation, early stopping and checkpoints."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from accelerate.utils import set_seed

from fecbench.core.errors import NumericalError, ProtocolError, RunError
from fecbench.core.plugin_errors import plugin_errors
from fecbench.core.text import shortened
from fecbench.data.batch import stream_seed
from fecbench.data.streams import with_streams
from fecbench.training.checkpoints import state_of
from fecbench.training.divergence import divergence_remedy, not_finite
from fecbench.training.evaluation import split_logits
from fecbench.training.logs import LOG_EVERY, Window, means
from fecbench.training.schedule import share_of_peak
from fecbench.training.scoring import ScoredRows, scores_of, selection_score
from fecbench.training.threshold_rule import ThresholdRule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

    from fecbench.core.hooks import Observers, RunInfo
    from fecbench.core.settings import RunSettings
    from fecbench.data.batches import TokenisedSplit, TrainingBatches
    from fecbench.data.streams import StreamBatches
    from fecbench.training.checkpoints import Checkpoints
    from fecbench.training.metrics import MetricFunction
    from fecbench.training.stepper import Stepper


@dataclass
class TrainingState:
    """Progress of training, as saved in checkpoints.

    Attributes:
        epoch: number of finished epochs.
        best_epoch: the best epoch, from 1; 0 before the first.
        best_score: its validation score (:func:`~fecbench.training.scoring.selection_score`).
        stale: epochs since the best one.
        seconds: time spent on training batches.
    """

    epoch: int = 0
    best_epoch: int = 0
    best_score: float = -1.0  # less than any score, so that the first epoch is the best so far
    stale: int = 0
    seconds: float = 0.0

    @classmethod
    def read(cls, about: Mapping[str, Any], epochs: int) -> TrainingState:
        """Return the progress in a checkpoint's metadata ``about``.

        Raises:
            RunError: a field is missing, or impossible in a run of ``epochs`` epochs.
        """
        # type(), not isinstance(), which takes true for a number.
        missing = [name for name, value in asdict(cls()).items() if type(about.get(name)) is not type(value)]
        if missing:
            raise RunError(
                f"a checkpoint must hold its progress, but {', '.join(missing)} is missing; "
                "restore it or start the run afresh"
            )
        state = cls(**{name: about[name] for name in asdict(cls())})
        if (
            not 1 <= state.best_epoch <= state.epoch <= epochs
            or state.stale < 0
            or not math.isfinite(state.best_score + state.seconds)
        ):
            raise RunError(
                f"a checkpoint must hold its progress, but holds {state}; restore it or start the run afresh"
            )
        return state

    def update(self, epoch: int, score: float) -> bool:
        """Record ``epoch`` and return True if it is the best so far; on ties the later epoch wins."""
        self.epoch = epoch
        best = score >= self.best_score  # a tie counts, as in TACO's released trainer
        if best:
            self.best_epoch, self.best_score = epoch, score
        self.stale = 0 if best else self.stale + 1
        return best


@dataclass
class Trainer:
    """Trains one objective on one data set, from parts that are built before."""

    stepper: Stepper
    batches: TrainingBatches
    validation: TokenisedSplit
    settings: RunSettings
    metrics: dict[str, MetricFunction]
    checkpoints: Checkpoints
    observers: Observers
    run: RunInfo
    streams: Mapping[str, StreamBatches] = field(default_factory=dict)
    progress: TrainingState = field(default_factory=TrainingState)

    @property
    def modules(self) -> dict[str, nn.Module]:
        """The modules that are saved: model and objective."""
        return {"model": self.stepper.model, "objective": self.stepper.objective}

    def resume(self) -> bool:
        """Load the last finished epoch's checkpoint; return False if there is none."""
        checkpoint = self.checkpoints.load_last(self.modules)
        if checkpoint is None:
            return False
        tensors, about = checkpoint
        for player in self.stepper.players.values():
            player.load(tensors)
        self.progress = TrainingState.read(about, self.settings.epochs)
        if self.progress.best_epoch == self.progress.epoch and self.batches.rank == 0:
            self.checkpoints.complete_best(self.modules, self.progress.epoch)
        return True

    def fit(self) -> TrainingState:
        """Train until the last epoch or early stopping; the best epoch's weights are in its checkpoint.

        Raises:
            ProtocolError: the objective broke a rule of the protocol.
            NumericalError: a loss, a weight or a logit became infinite or NaN.
            RunError: a checkpoint can't be written.
        """
        try:
            # Early stopping: no better epoch for `patience` epochs.
            while self.progress.epoch < self.settings.epochs and self.progress.stale < self.settings.patience:
                self._epoch(self.progress.epoch + 1)
        finally:  # also after a failure or Ctrl-C: the last finished epoch stays
            self.checkpoints.wait()
        return self.progress

    def _epoch(self, epoch: int) -> None:
        """Train one epoch, score the validation split and save the checkpoints."""
        started = time.perf_counter()
        logs = self._train(epoch)
        seconds = time.perf_counter() - started
        self.progress.seconds += seconds
        self.checkpoints.wait()  # before this epoch counts as finished: a kill costs one finished epoch at most
        self.check_weights(f"after epoch {epoch}", divergence_remedy(epoch))
        self.observers.notify("epoch_finished", run=self.run, epoch=epoch, logs=logs, seconds=seconds)
        try:
            scores = self.score(self.validation)
        except NumericalError as error:
            raise NumericalError(
                f"{self.stepper.who}: after epoch {epoch}, {error}; {divergence_remedy(epoch)}"
            ) from None
        best = self.progress.update(epoch, selection_score(scores, self.stepper.objective.task.labelling))
        self.observers.notify("evaluated", run=self.run, epoch=epoch, split="validation", metrics=scores, best=best)
        # After the observers: the history is on the disk before the checkpoint from which a resumed run goes on.
        self._save(best)

    def _train(self, epoch: int) -> dict[str, float]:
        """Train one epoch and return the means of its logs."""
        # Noise such as dropout is a function of (seed, epoch, rank), so that a resumed run draws the same (ADR 4).
        # numpy's seeds have 32 bits.
        set_seed(stream_seed(self.settings.seed, epoch, "noise", self.batches.rank) % 2**32)
        per_epoch, window = len(self.batches), Window()
        total: dict[str, list[float]] = defaultdict(list)
        with plugin_errors(self.stepper.who, self.stepper.objective):
            self.stepper.model.train()
            self.stepper.objective.train()
        # The schedule spans all epochs, even if early stopping ends the run before the last.
        steps = self.settings.epochs * per_epoch
        for step, batch in enumerate(self.batches.epoch(epoch)):
            number = (epoch - 1) * per_epoch + step
            factor = share_of_peak(self.settings.schedule, number, steps, self.settings.warmup)
            batch_here = with_streams(batch, self.streams, number).to(self.stepper.precision.device)
            # Searching the graph for stale features takes milliseconds, so only the first two batches are audited.
            window.add(step, self.stepper.step(batch_here, factor, step < 2, number, steps))
            if (step + 1) % LOG_EVERY == 0 or step + 1 == per_epoch:
                values = window.fetch(self.stepper.who, epoch)
                self.observers.notify("updates_logged", run=self.run, epoch=epoch, step=step + 1, logs=means(values))
                for name, numbers in values.items():
                    total[name] += numbers
        if not total:
            raise ProtocolError(
                f"{self.stepper.who}: updates yielded nothing in a whole epoch; yield an update, or set trains = False"
            )
        return means(total)

    def check_weights(self, when: str, what_to_do: str) -> None:
        """Check that every weight, saved buffer and optimiser state is finite, before they are scored and saved.

        A finite loss can have an infinite gradient. Optimiser states are checked too: if a gradient's square
        overflows, Adam's second moment stays infinite and the weight never moves again, without any NaN.

        Args:
            when: the moment of the check, for the message.
            what_to_do: the remedy, for the message.

        Raises:
            NumericalError: a tensor holds an infinity or NaN.
        """
        broken = not_finite(state_of(self.modules) | self._optimizer_states())
        if broken:
            verb = "isn't" if len(broken) == 1 else "aren't"
            raise NumericalError(
                f"{self.stepper.who}: every weight, buffer and optimiser state must be finite, but {when} "
                f"{shortened(broken, 3)} {verb}; {what_to_do}"
            )

    def logits(self, split: TokenisedSplit) -> Tensor:
        """Return the logits ``[N, C]`` of ``split`` under the current weights."""
        s = self.stepper
        with plugin_errors(s.who, s.objective):
            return split_logits(
                s.objective,
                s.model,
                split,
                self.settings.batch_size,
                s.precision,
                self.batches.rank,
                self.batches.ranks,
            )

    def score(self, split: TokenisedSplit) -> dict[str, float]:
        """Return the value of every metric on ``split`` under the current weights, with the fixed thresholds."""
        labelling = self.stepper.objective.task.labelling
        rule = ThresholdRule.of(self.settings.model_dump())
        return scores_of(ScoredRows(split, self.logits(split), labelling, rule=rule), self.metrics)

    def _save(self, best: bool) -> None:
        """Save the epoch's checkpoints, on rank 0 alone."""
        if self.batches.rank == 0:
            self.checkpoints.save_epoch(self.modules, self._optimizer_states(), asdict(self.progress), best)

    def _optimizer_states(self) -> dict[str, Tensor]:
        """Return the state tensors of all players' optimisers by name."""
        return {name: tensor for player in self.stepper.players.values() for name, tensor in player.state().items()}
