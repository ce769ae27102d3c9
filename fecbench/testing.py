"""The conformance kit: what every objective must do, checked on the demo data with the scratch encoder on the CPU.

A plugin's whole test file::

    from fecbench.testing import ObjectiveConformance

    class TestFocal(ObjectiveConformance):
        name = "focal"

``fecbench check focal`` runs the same checks. None needs pytest.
"""

from __future__ import annotations

import inspect
import json
import math
import tempfile
import tomllib
from collections import defaultdict
from dataclasses import dataclass, field, fields, replace
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import click
import numpy as np
import torch
from accelerate.utils import set_seed

from fecbench import datasets, devices, settings
from fecbench.atomic import read_tensors
from fecbench.batching import Batch, TrainingBatches
from fecbench.building import build, build_pair
from fecbench.checkpoints import Checkpoints, state_of
from fecbench.cli.options import options
from fecbench.datasets.core import EmotionData, Places
from fecbench.experiment import Workplace, run
from fecbench.hooks import hookimpl
from fecbench.packing import Tokens
from fecbench.planning import plan
from fecbench.players import Contestant, claim
from fecbench.stepper import Stepper

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from fecbench.objective import Objective
    from fecbench.planning import Plan
    from fecbench.runs import Record

CPU = torch.device("cpu")
SIZE = 16
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
        return _subject(self.name, tuple(sorted(self.settings.items())))

    def test_options_go_to_the_command_line_and_to_toml_and_back(self) -> None:
        """Every option given as a flag or in a TOML file means what it means in Python."""
        kind, config = self.subject.plan.objective.Config, self.subject.plan.options
        given = {name: value for name, value in config.model_dump().items() if value is not None}
        toml = tomllib.loads("\n".join(f"{name} = {json.dumps(value)}" for name, value in given.items()))
        flags = click.Command("check", params=options(kind)).make_context("check", _arguments(given)).params
        for way, found in (("TOML", toml), ("the command line", {name: value for name, value in flags.items() if value is not None})):
            again = settings.build(kind, found, way)
            if again != config:
                raise NotConforming(f"options that survive {way}: {config!r}", repr(again), self.subject.where("Config"))

    def test_losses_are_finite(self) -> None:
        """Losses and logs are finite on batches of every make that the needs allow."""
        for make, rows in self.subject.rows().items():
            stepper, batch = self.subject.stepper(), self.subject.batch(rows)
            self._require_finite(stepper.step(batch, 1.0, audit=True), f"a batch of {make}")

    def test_gradients_reach_exactly_the_player_named(self) -> None:
        """A step moves the player that its update names, all of it over a few batches, and nobody else."""
        watch = self.subject.stepper(_Watched)
        for batch in self.subject.batches(3):
            watch.step(batch, 1.0)
        where = self.subject.where("updates")
        if watch.strangers:
            raise NotConforming("parameters that only their own player's updates move", ", ".join(sorted(watch.strangers)), where)
        for player, reached in watch.reached.items():
            unreached = sorted(set(watch.players[player].parameters) - reached)
            if unreached:
                required = f"a gradient for every parameter of the player {player!r}"
                raise NotConforming(required, f"none for {', '.join(unreached[:5])} in three batches", where)

    def test_inputs_are_left_unchanged(self) -> None:
        """``updates`` doesn't write into its batch."""
        batch = next(self.subject.batches(1))
        before = {name: tensor.clone() for name, tensor in _tensors(batch)}
        self.subject.stepper().step(batch, 1.0)
        changed = [name for name, tensor in _tensors(batch) if not tensor.equal(before[name])]
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
            checkpoints.save_best({"model": old.model.fold(), "objective": old.objective}, {})
            checkpoints.load_best({"model": new.model, "objective": new.objective})
        expected, found = (self.subject.predict(stepper) for stepper in (old, new))
        if not expected.equal(found):
            look = f"{self.subject.where('__init__')}: keep state in parameters and buffers"
            raise NotConforming("the saved object's logits", f"logits up to {(expected - found).abs().max():.2g} away", look)

    def test_bf16_stays_finite(self) -> None:
        """Losses are finite under bf16 autocast."""
        stepper = self.subject.stepper(precision="bf16")
        self._require_finite(stepper.step(next(self.subject.batches(1)), 1.0), "a batch under bf16 autocast")

    def test_a_resumed_run_equals_an_unbroken_one(self) -> None:
        """A run that was stopped after its first epoch and resumed ends in the same weights and predictions."""
        with tempfile.TemporaryDirectory() as folder:
            whole, broken = Path(folder) / "whole", Path(folder) / "broken"
            short: dict[str, Any] = {"limit": FEW, "epochs": 2}
            self.subject.run(whole, **short)
            try:
                self.subject.run(broken, observer=_StopAfterFirstEpoch(), **short)
            except KeyboardInterrupt:
                self.subject.run(broken, resume=True, **short)
            unbroken, resumed = (read_tensors(path / "best.safetensors")[0] for path in (whole, broken))
        differ = [name for name, value in unbroken.items() if not value.equal(resumed[name])]
        if differ:
            look = f"{self.subject.where('updates')}: keep what outlives an epoch in parameters and buffers"
            raise NotConforming("the unbroken run's weights", f"{', '.join(differ[:5])} differ after resuming", look)

    def test_it_learns(self) -> None:
        """Accuracy after a short training is above chance by three standard errors."""
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

    def _require_finite(self, logs: list[tuple[str, Tensor]], where: str) -> None:
        bad = [f"{name} {value.item()}" for name, value in logs if not value.isfinite()]
        if bad:
            raise NotConforming(f"finite losses and logs on {where}", ", ".join(bad), self.subject.where("updates"))

    def _play(self, batches: int) -> tuple[list[tuple[str, Tensor]], dict[str, Tensor]]:
        stepper = self.subject.stepper()
        logs = [entry for batch in self.subject.batches(batches) for entry in stepper.step(batch, 1.0)]
        return logs, state_of({"model": stepper.model, "objective": stepper.objective})


@dataclass(frozen=True)
class Subject:
    """An objective under test. Everything that has weights is built afresh each time."""

    plan: Plan
    given: Mapping[str, object]

    @cached_property
    def data(self) -> EmotionData:
        """The demo's rows."""
        return datasets.load(self.plan.settings, Places())

    @cached_property
    def _built(self) -> Any:
        self.plan.needs.check(self.data, SIZE, None, self.plan.who)
        return build(self.plan, self.data, CPU)

    def stepper(self, kind: type[Stepper] = Stepper, precision: str = "float32", seed: int = 0) -> Any:
        """A fresh model and objective, ready to be stepped."""
        chosen = replace(self.plan, settings=self.plan.settings.model_copy(update={"seed": seed}))
        model, objective = build_pair(chosen, self._built.source, self.data.labels, self.data.label_texts, self.data.name)
        model.fold().train()
        players = claim(objective.train(), model, chosen.settings, chosen.who)
        set_seed(seed)
        return kind(objective, model, players, devices.precision(precision, CPU), chosen.who)

    def batches(self, count: int) -> Iterator[Batch]:
        """The first batches of an epoch, as the trainer would draw them."""
        train = TrainingBatches(self._built.splits["train"], SIZE, 0, needs=self.plan.needs)
        return (batch for _, batch in zip(range(count), train.epoch(1), strict=False))

    def rows(self) -> dict[str, np.ndarray]:
        """Row numbers of batches of every make that the needs allow."""
        labels, needs = self._built.splits["train"].labels, self.plan.needs
        first = np.array([np.flatnonzero(labels == label)[0] for label in range(len(self.data.labels))])
        whole = next(self.batches(1)).rows.numpy()
        makes = {"several classes": whole, "one class": np.flatnonzero(labels == 0)[: len(whole)], "one text a class": first}
        makes["one text"] = first[:1]
        return {
            make: rows
            for make, rows in makes.items()
            if len(rows) >= needs.min_size and not (np.bincount(labels[rows]) % needs.per_label).any()
        }

    def batch(self, rows: np.ndarray) -> Batch:
        """A batch of training rows."""
        batch: Batch = self._built.splits["train"].batch(rows.copy())  # an objective that writes into its batch spoils no other
        return batch

    @torch.no_grad()
    def predict(self, stepper: Stepper) -> Tensor:
        """Logits of the first training rows."""
        return stepper.objective.eval().predict(self.batch(np.arange(SIZE)), stepper.model.eval())

    def run(self, folder: Path, resume: bool = False, observer: object = None, **flags: object) -> Record:
        """A whole run, under other settings where ``flags`` say so."""
        chosen = plan(self.plan.name, {**self.given, **flags})
        return run(chosen, Workplace(Places(), folder, resume, observers=[observer] if observer else []))

    def where(self, attribute: str) -> str:
        """Where an attribute of the objective stands: file, line and name."""
        kind: type[Objective] = self.plan.objective
        owner = next(base for base in kind.__mro__ if attribute in vars(base))
        subject = vars(owner)[attribute]
        try:
            path, line = inspect.getsourcefile(subject) or "?", inspect.getsourcelines(subject)[1]
        except (OSError, TypeError):
            return f"{owner.__name__}.{attribute}"
        return f"{path}:{line} ({owner.__name__}.{attribute})"


@cache
def _subject(name: str, given: tuple[tuple[str, object], ...]) -> Subject:
    flags = {"dataset": "demo", "encoder": "scratch", "device": "cpu", "precision": "float32", "epochs": 4, **dict(given)}
    return Subject(plan(name, flags), flags)


def _arguments(given: Mapping[str, object]) -> list[str]:
    """``given`` as somebody would type it."""
    typed = []
    for name, value in given.items():
        flag = name.replace("_", "-")
        typed += [f"--{flag}" if value else f"--no-{flag}"] if isinstance(value, bool) else [f"--{flag}", str(value)]
    return typed


def _tensors(part: Batch | Tokens, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
    """Every tensor of a batch by name."""
    for item in fields(part):
        value = getattr(part, item.name)
        held = value if item.name == "views" else {item.name: value}
        for name, inner in held.items():
            if isinstance(inner, torch.Tensor):
                yield prefix + name, inner
            elif isinstance(inner, Tokens):
                yield from _tensors(inner, f"{prefix}{name}.")


@dataclass
class _Watched(Stepper):
    """Remembers which parameters each player's updates reached, and whose moved that shouldn't have."""

    reached: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    strangers: set[str] = field(default_factory=set)

    def step(self, batch: Batch, factor: float, audit: bool = False) -> list[tuple[str, Tensor]]:
        """Step, with a look at all parameters before."""
        self._before = self._snapshot()
        return super().step(batch, factor, audit)

    def _snapshot(self) -> dict[str, dict[str, Tensor]]:
        return {
            player: {name: parameter.detach().clone() for name, parameter in one.parameters.items()} for player, one in self.players.items()
        }

    def _move(self, player: Contestant) -> None:
        self.reached[player.name] |= {name for name, parameter in player.parameters.items() if parameter.grad is not None}
        super()._move(player)
        now = self._snapshot()
        for other in set(now) - {player.name}:
            self.strangers |= {name for name, value in now[other].items() if not value.equal(self._before[other][name])}
        self._before = now


class _StopAfterFirstEpoch:
    """Stops a run as Ctrl-C would, after the first epoch's checkpoint."""

    def __init__(self) -> None:
        self.epochs = 0

    @hookimpl
    def epoch_finished(self, epoch: int) -> None:
        """The second epoch's batches are done and nothing of it is kept yet."""
        self.epochs += 1
        if self.epochs == 2:
            raise KeyboardInterrupt
