"""The checks, one method each."""

from __future__ import annotations

import inspect
import json
import math
import tempfile
import tomllib
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import click
import torch

from fecbench import settings
from fecbench.checkpoints import Checkpoints, state_of
from fecbench.cli.options import options
from fecbench.model import fold
from fecbench.testing.subject import Subject, subject_of
from fecbench.testing.watching import StopAfterFirstEpoch, Watched, outcome, tensors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from fecbench.batching import Batch
    from fecbench.stepper import Stepper

FEW = 240


class NotConforming(AssertionError):
    """What was required, what was found, and where to look."""

    def __init__(self, required: str, found: str, look: str):
        super().__init__(f"\n  required: {required}\n  found:    {found}\n  look at:  {look}")


class ObjectiveConformance:
    """Checks of the objective registered as ``name``; each method is one.

    Attributes:
        name: the objective.
        settings: run settings and options to check it under, beside its defaults, such as ``{"epochs": 6}`` for one that learns slowly.
    """

    name: ClassVar[str]
    settings: ClassVar[Mapping[str, object]] = {}

    @cached_property
    def subject(self) -> Subject:
        """The objective and what it is checked on."""
        return subject_of(self.name, tuple(sorted(self.settings.items())))

    def test_options_go_to_the_command_line_and_to_toml_and_back(self) -> None:
        """Every option given as a flag or in a TOML file means what it means in Python."""
        kind, config = self.subject.plan.objective.Config, self.subject.plan.options
        given = {name: value for name, value in config.model_dump().items() if value is not None}
        toml = tomllib.loads("\n".join(f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in given.items()))
        flags = click.Command("check", params=options(kind)).make_context("check", _arguments(given)).params
        for way, found in (("TOML", toml), ("the command line", {name: value for name, value in flags.items() if value is not None})):
            again = settings.build(kind, found, way)
            if again != config:
                raise NotConforming(f"options that survive {way}: {config!r}", repr(again), self.subject.where("Config"))

    def test_losses_are_finite(self) -> None:
        """Losses, logs and the weights after a step are finite on batches of every make that the needs allow."""
        for make, rows in self.subject.rows().items():
            self._require_finite(self.subject.stepper(), self.subject.batch(rows), f"a batch of {make}")

    def test_gradients_reach_exactly_the_player_named(self) -> None:
        """A step moves the player that its update names and nobody else; over an epoch every trainable parameter gets a gradient."""
        watch = self.subject.stepper(Watched)
        for number, batch in enumerate(self.subject.batches()):
            watch.step(batch, 1.0)
            if number >= 2 and not any(watch.unreached().values()):
                break
        where = self.subject.where("updates")
        if watch.strangers:
            raise NotConforming("parameters that only their own player's updates move", ", ".join(sorted(watch.strangers)), where)
        for player, unreached in watch.unreached().items() if self.subject.trains else ():
            if unreached:
                required = f"a gradient for every trainable parameter of the player {player!r}"
                raise NotConforming(required, f"none for {', '.join(unreached[:5])} in an epoch", where)

    def test_inputs_are_left_unchanged(self) -> None:
        """``updates`` doesn't write into its batch."""
        for batch in self.subject.batches(1):
            before = {name: tensor.clone() for name, tensor in tensors(batch)}
            self.subject.stepper().step(batch, 1.0)
            changed = [name for name, tensor in tensors(batch) if not tensor.equal(before[name])]
            if changed:
                raise NotConforming("a batch that is as it was before", f"{', '.join(changed)} changed", self.subject.where("updates"))

    def test_the_same_seed_gives_the_same_numbers(self) -> None:
        """Fresh objects with one seed make the same steps, to the bit."""
        logs, states = zip(*(self._play(2) for _ in range(2)), strict=True)
        differ = [name for name, value in states[0].items() if not value.equal(states[1][name])]
        differ += [name for (name, one), (_, other) in zip(*logs, strict=True) if not one.equal(other)]
        if differ:
            look = f"{self.subject.where('updates')}: draw random numbers from torch's global generator or batch.generator"
            raise NotConforming("equal numbers from equal seeds", f"{', '.join(differ[:5])} differ", look)

    def test_state_survives_saving_and_loading(self) -> None:
        """A new object with the saved weights predicts what the old one did."""
        old, new = self.subject.stepper(), self.subject.stepper(seed=1)
        for batch in self.subject.batches(2):
            old.step(batch, 1.0)
        with tempfile.TemporaryDirectory() as folder:
            checkpoints = Checkpoints(Path(folder))
            fold(old.model, old.objective)
            checkpoints.save_best({"model": old.model, "objective": old.objective}, {})
            checkpoints.load_best({"model": new.model, "objective": new.objective})
        expected, found = (self.subject.predict(stepper) for stepper in (old, new))
        if not expected.equal(found):
            look = f"{self.subject.where('__init__')}: keep state in parameters and buffers"
            raise NotConforming("the saved object's logits", f"logits up to {(expected - found).abs().max():.2g} away", look)

    def test_bf16_stays_finite(self) -> None:
        """Losses, logs and the weights after a step are finite under bf16 autocast."""
        for batch in self.subject.batches(1):
            self._require_finite(self.subject.stepper(precision="bf16"), batch, "a batch under bf16 autocast")

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

    @classmethod
    def checks(cls) -> dict[str, str]:
        """Names of all checks, and what each requires."""
        named = ((name, check) for base in reversed(cls.__mro__) for name, check in vars(base).items())
        return {name: inspect.getdoc(check) or name for name, check in named if name.startswith("test_")}

    def _require_finite(self, stepper: Stepper, batch: Batch, where: str) -> None:
        bad = [f"{name} {value.item()}" for name, value in stepper.step(batch, 1.0, audit=True) if not value.isfinite()]
        for player in stepper.players.values():
            bad += [f"{name} after the step" for name, weight in player.parameters.items() if not weight.isfinite().all()]
        if bad:
            raise NotConforming(f"finite losses, logs and weights on {where}", ", ".join(bad[:5]), self.subject.where("updates"))

    def _play(self, batches: int) -> tuple[list[tuple[str, Tensor]], dict[str, Tensor]]:
        stepper = self.subject.stepper()
        logs = [entry for batch in self.subject.batches(batches) for entry in stepper.step(batch, 1.0)]
        return logs, state_of({"model": stepper.model, "objective": stepper.objective})


def _arguments(given: Mapping[str, object]) -> list[str]:
    """``given`` as somebody would type it."""
    typed = []
    for name, value in given.items():
        flag = name.replace("_", "-")
        typed += [f"--{flag}" if value else f"--no-{flag}"] if isinstance(value, bool) else [f"--{flag}", str(value)]
    return typed
