"""Steppers and observers that record what an objective does, for the checks."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from fecbench.core.files import read_tensors
from fecbench.core.hooks import hookimpl
from fecbench.data.tokens import Tokens
from fecbench.runs.record import Record
from fecbench.training.stepper import Stepper

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from fecbench.data.batch import Batch
    from fecbench.objective.protocol import Update
    from fecbench.training.optimizers import PlayerOptimizer


class UnguardedStepper(Stepper):
    """The trainer's stepper without the guards that have a check of their own, so that one fault fails one check."""

    def _check_guarded_state(self, before: object) -> None:
        pass


@dataclass
class MovedParameters(UnguardedStepper):
    """Records which parameters each player's updates move.

    Attributes:
        reached: names of the parameters that got a gradient, by player.
        moved_by_others: names of the parameters that moved without an update of their player.
    """

    reached: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    moved_by_others: set[str] = field(default_factory=set)

    def step(
        self, batch: Batch, factor: float, audit: bool = False, number: int = 0, total: int = 1
    ) -> list[tuple[str, Tensor]]:
        """Step as the trainer does, and compare all parameters before and after."""
        self._before = self._snapshot()
        logs = super().step(batch, factor, audit, number, total)
        self._compare(set())  # nothing moves after the last step
        return logs

    def unreached(self) -> dict[str, list[str]]:
        """Return the trainable parameters without a gradient so far, by player."""
        return {
            name: sorted(
                key for key, p in player.parameters.items() if p.requires_grad and key not in self.reached[name]
            )
            for name, player in self.players.items()
        }

    def _snapshot(self) -> dict[str, dict[str, Tensor]]:
        return {
            player: {name: parameter.detach().clone() for name, parameter in one.parameters.items()}
            for player, one in self.players.items()
        }

    def _move(self, players: list[PlayerOptimizer]) -> None:
        for player in players:
            self.reached[player.name] |= {
                name for name, parameter in player.parameters.items() if parameter.grad is not None
            }
        super()._move(players)
        self._compare({name for player in players for name in player.parameters})

    def _compare(self, free: set[str]) -> None:
        """Record the parameters that moved, except those that were ``free`` to move."""
        now = self._snapshot()
        for player, values in now.items():
            self.moved_by_others |= {
                name
                for name, value in values.items()
                if name not in free and not value.equal(self._before[player][name])
            }
        self._before = now


@dataclass
class BetweenYields(UnguardedStepper):
    """Records actions of an objective between its yields that are the trainer's alone.

    Attributes:
        written: names of the parameters that it changed.
        backward: names of the parameters for which it called backward.
        evaluating: names of the modules that were in eval mode when they computed a part of a loss.
    """

    written: set[str] = field(default_factory=set)
    backward: set[str] = field(default_factory=set)
    evaluating: set[str] = field(default_factory=set)
    _listening: bool = False
    _evaluated: dict[object, str] = field(default_factory=dict)
    _training: set[torch.nn.Module] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__post_init__()
        # A hook on the gradient and not a look at ``.grad``: the objective may call backward and clear it again.
        for name, parameter in self._trainable().items():
            parameter.register_post_accumulate_grad_hook(partial(self._accumulated, name))
        for name, module in (
            *self.model.named_modules(prefix="model"),
            *self.objective.named_modules(prefix="objective"),
        ):
            module.register_forward_hook(partial(self._forwarded, name))

    def _trainable(self) -> dict[str, Tensor]:
        everybody = {name: one for player in self.players.values() for name, one in player.parameters.items()}
        return {name: parameter for name, parameter in everybody.items() if parameter.requires_grad}

    def _resumed(self, updates: Iterator[Update]) -> Iterator[Update]:
        return super()._resumed(self._recorded(updates))

    def _recorded(self, updates: Iterator[Update]) -> Iterator[Update]:
        try:
            while True:
                before = {name: parameter.detach().clone() for name, parameter in self._trainable().items()}
                self._listening, self._evaluated = True, {}
                self._training = {module for module in self._watched if module.training}
                update = next(updates, None)
                self._listening = False
                now = self._trainable()
                self.written |= {name for name, value in before.items() if name in now and not value.equal(now[name])}
                if update is None:
                    return
                self.evaluating |= self._evaluated_in(update)
                yield update
        finally:
            # updates() may return any iterator, and a list's has no close.
            getattr(updates, "close", lambda: None)()

    def _accumulated(self, name: str, _: Tensor) -> None:
        if self._listening:
            self.backward.add(name)

    def _forwarded(self, name: str, module: torch.nn.Module, _: object, output: object) -> None:
        if (
            self._listening
            and module in self._training
            and not module.training
            and isinstance(output, torch.Tensor)
            and output.grad_fn
        ):
            self._evaluated[output.grad_fn] = name

    def _evaluated_in(self, update: Update) -> set[str]:
        """Return the names of modules in eval mode whose outputs are in the graph of the loss."""
        if not self._evaluated or not isinstance(update.loss, torch.Tensor):
            return set()
        # An eval-mode forward pass for a target or a detached feature is allowed: only the loss's graph counts.
        pending, seen = [update.loss.grad_fn], {update.loss.grad_fn}
        while pending:
            node = pending.pop()
            following = {one for one, _ in node.next_functions if one is not None} - seen if node else set()
            seen |= following
            pending += following
        return {name for node, name in self._evaluated.items() if node in seen}


class Stopped(KeyboardInterrupt):
    """The interrupt of an observer, which a check expects; one by the user ends the check."""


class StopAfterFirstEpoch:
    """An observer that stops a run like Ctrl-C, after the first epoch's checkpoint."""

    def __init__(self) -> None:
        self.epochs = 0

    @hookimpl
    def epoch_finished(self, epoch: int) -> None:
        """Stop after the second epoch's batches, before its checkpoint is saved."""
        self.epochs += 1
        if self.epochs == 2:
            raise Stopped


class StopOnceAbove:
    """An observer that stops a run like Ctrl-C, once a validation score is above a limit.

    Attributes:
        best: the best score so far.
    """

    def __init__(self, metric: str, limit: float) -> None:
        self.metric, self.limit = metric, limit
        self.best = -math.inf

    @hookimpl
    def evaluated(self, split: str, metrics: Mapping[str, float]) -> None:
        """Stop if the score is above the limit."""
        if split == "validation":
            self.best = max(self.best, metrics[self.metric])
            if self.best > self.limit:
                raise Stopped


def tensors(part: Batch | Tokens, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
    """Yield every tensor of a batch with its name."""
    for item in fields(part):
        if not item.init:  # the labels that a batch of label sets doesn't have
            continue
        value = getattr(part, item.name)
        held = value if item.name == "views" else {item.name: value}
        for name, inner in held.items():
            if isinstance(inner, torch.Tensor):
                yield prefix + name, inner
            elif isinstance(inner, Tokens):
                yield from tensors(inner, f"{prefix}{name}.")


def results_of(folder: Path) -> dict[str, Tensor]:
    """Return the last epoch's logs and metrics, the best weights and the predictions of a run, by name."""
    # An epoch writes two such events: its mean logs and its validation scores.
    last = [event for event in Record(folder).history() if event["event"] in ("epoch", "evaluation")][-2:]
    numbers = {
        name: torch.tensor(value)
        for event in last
        for name, value in {**event.get("logs", {}), **event.get("metrics", {})}.items()
    }
    return numbers | read_tensors(folder / "best.safetensors")[0] | read_tensors(folder / "predictions.safetensors")[0]
