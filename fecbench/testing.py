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
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import click
import numpy as np
import torch
from accelerate.utils import set_seed

from fecbench import datasets, devices, settings
from fecbench.atomic import read_tensors
from fecbench.batching import Batch, TrainingBatches
from fecbench.building import build, build_pair, stage_of
from fecbench.checkpoints import Checkpoints, state_of
from fecbench.cli.options import options
from fecbench.datasets.core import EmotionData, Places
from fecbench.experiment import Workplace, run
from fecbench.hooks import hookimpl
from fecbench.model import fold
from fecbench.packing import Tokens
from fecbench.planning import plan
from fecbench.players import Contestant, claim
from fecbench.runs import Record
from fecbench.stepper import Stepper

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from torch import Tensor

    from fecbench.planning import Plan

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
        watch = self.subject.stepper(_Watched)
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
                self.subject.run(broken, observer=_StopAfterFirstEpoch(), **short)
            except KeyboardInterrupt:
                self.subject.run(broken, resume=True, **short)
            unbroken, resumed = _outcome(whole), _outcome(broken)
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


@dataclass(frozen=True)
class Subject:
    """An objective under test. Everything that has weights is built afresh each time."""

    plan: Plan
    given: Mapping[str, object]

    @cached_property
    def data(self) -> EmotionData:
        """The demo's rows."""
        return datasets.load(self.plan.settings, Places())

    @property
    def trains(self) -> bool:
        """Whether there is anything to step."""
        return self.plan.objective.trains

    @property
    def size(self) -> int:
        """Texts in a batch: a few, and as many as the needs want, in whole groups."""
        return _size(self.plan)

    @cached_property
    def _built(self) -> Any:
        self.plan.needs.check(self.data, self.size, None, self.plan.who)
        return build(self.plan, self.data, CPU)

    def stepper(self, kind: type[Stepper] = Stepper, precision: str = "float32", seed: int = 0) -> Any:
        """A fresh model and objective, ready to be stepped."""
        chosen = replace(self.plan, settings=self.plan.settings.model_copy(update={"seed": seed}))
        model, objective = build_pair(chosen, self._built.source, self.data.labels, self.data.label_texts, self.data.name)
        fold(model, objective)
        set_seed(seed)
        objective.before_training(stage_of(replace(self._built, model=model), self.data, chosen.settings, CPU))
        players = claim(objective.train(), model.train(), chosen.settings, chosen.who)
        set_seed(seed)
        return kind(objective, model, players, devices.precision(precision, CPU), chosen.who)

    def batches(self, count: int | None = None) -> Iterator[Batch]:
        """The first batches of an epoch, or all, as the trainer would draw them; none where the method doesn't train."""
        train = TrainingBatches(self._built.splits["train"], self.size, 0, needs=self.plan.needs)
        return islice(train.epoch(1), count) if self.trains else iter(())

    def rows(self) -> dict[str, np.ndarray]:
        """Row numbers of batches of every make that the needs allow."""
        if not self.trains:
            return {}
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
        """Where an attribute of the objective stands."""
        return place(self.plan.objective, attribute)


def place(kind: type, attribute: str) -> str:
    """Where an attribute of a class stands: file, line and name.

    >>> place(Subject, "predict").rpartition(" ")[2]
    '(Subject.predict)'
    """
    owner = next(base for base in kind.__mro__ if attribute in vars(base))
    subject = vars(owner)[attribute]
    subject = getattr(subject, "__func__", subject)
    try:
        path, line = inspect.getsourcefile(subject) or "?", inspect.getsourcelines(subject)[1]
    except (OSError, TypeError):
        return f"{owner.__name__}.{attribute}"
    return f"{path}:{line} ({owner.__name__}.{attribute})"


@cache
def _subject(name: str, given: tuple[tuple[str, object], ...]) -> Subject:
    flags = {"dataset": "demo", "encoder": "scratch", "device": "cpu", "precision": "float32", "epochs": 4, **dict(given)}
    chosen = plan(name, flags)
    flags["batch_size"] = max(chosen.settings.batch_size, _size(chosen))
    missing = set(chosen.needs.views(["text", "label"])) - {"text", "label"}
    if missing:
        flags["dataset"] = _with_columns(datasets.load(chosen.settings, Places()), sorted(missing))
    return Subject(plan(name, flags), flags)


def _size(chosen: Plan) -> int:
    least, group = chosen.needs.least, chosen.needs.per_label
    return -(-max(SIZE, least) // group) * group


def _with_columns(data: EmotionData, columns: list[str]) -> str:
    """A folder that holds the demo's rows with further text columns: each text's words in reverse."""
    folder = Path(_kept().name) / "-".join(columns)
    folder.mkdir(exist_ok=True)
    for split, part in data.splits.items():
        with (folder / f"{split}.jsonl").open("w", encoding="utf-8") as file:
            for row in part:
                further = dict.fromkeys(columns, " ".join(reversed(row["text"].split())))
                file.write(json.dumps({**row, "label": data.labels[row["label"]], **further}) + "\n")
    return str(folder)


@cache
def _kept() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="fecbench-check-")


def _outcome(folder: Path) -> dict[str, Tensor]:
    """What a run came to: the last epoch's numbers, the weights and the predictions, by name."""
    last = [event for event in Record(folder).history() if event["event"] in ("epoch", "evaluation")][-2:]
    numbers = {name: torch.tensor(value) for event in last for name, value in {**event.get("logs", {}), **event.get("metrics", {})}.items()}
    return numbers | read_tensors(folder / "best.safetensors")[0] | read_tensors(folder / "predictions.safetensors")[0]


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
    """Remembers which parameters each player's updates reached, and which moved that shouldn't have."""

    reached: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    strangers: set[str] = field(default_factory=set)

    def step(self, batch: Batch, factor: float, audit: bool = False) -> list[tuple[str, Tensor]]:
        """Step, with a look at all parameters before."""
        self._before = self._snapshot()
        logs = super().step(batch, factor, audit)
        self._compare(self.players)  # nothing moves after the last step
        return logs

    def unreached(self) -> dict[str, list[str]]:
        """Trainable parameters of each player that no gradient has reached."""
        return {
            name: sorted(key for key, p in player.parameters.items() if p.requires_grad and key not in self.reached[name])
            for name, player in self.players.items()
        }

    def _snapshot(self) -> dict[str, dict[str, Tensor]]:
        return {
            player: {name: parameter.detach().clone() for name, parameter in one.parameters.items()} for player, one in self.players.items()
        }

    def _move(self, player: Contestant) -> None:
        self.reached[player.name] |= {name for name, parameter in player.parameters.items() if parameter.grad is not None}
        super()._move(player)
        self._compare(set(self.players) - {player.name})

    def _compare(self, still: Iterable[str]) -> None:
        now = self._snapshot()
        for player in still:
            self.strangers |= {name for name, value in now[player].items() if not value.equal(self._before[player][name])}
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
