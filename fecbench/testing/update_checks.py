"""Checks of ``updates``, step by step on a few batches."""

from __future__ import annotations

import random
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from accelerate.utils import set_seed

from fecbench.core.text import shortened
from fecbench.testing.checks import ObjectiveChecks
from fecbench.testing.clock import racing_clock
from fecbench.testing.counters import counters, moved, packages_of
from fecbench.testing.findings import NotConforming
from fecbench.testing.probes import BetweenYields, MovedParameters, tensors
from fecbench.training.checkpoints import state_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from fecbench.data.batch import Batch
    from fecbench.training.stepper import Stepper

    Trace = tuple[list[tuple[str, Tensor]], dict[str, Tensor]]  # the logs of steps, and the state after them


class Counted(NamedTuple):
    """Names of the counters that moved in a batch, and the trace of the next step."""

    names: list[str]
    trace: Trace


class UpdateChecks(ObjectiveChecks):
    """Checks of an objective's ``updates``."""

    def test_losses_are_finite(self) -> None:
        """Losses, logs and the weights after a step are finite on every kind of batch that the needs allow."""
        for kind, rows in self.subject.rows().items():
            self._require_finite(self.subject.stepper(), self.subject.batch(rows), f"a batch of {kind}")

    def test_bf16_stays_finite(self) -> None:
        """Losses, logs and the weights after a step are finite under bf16 autocast."""
        for batch in self.subject.batches(1):
            self._require_finite(self.subject.stepper(precision="bf16"), batch, "a batch under bf16 autocast")

    def test_gradients_reach_exactly_the_player_named(self) -> None:
        """A step moves only the player that its update names; every trainable parameter gets a gradient in an epoch."""
        probe = self.subject.stepper(MovedParameters)
        for number, batch in enumerate(self.subject.batches()):
            probe.step(batch, 1.0)
            # At least three batches: not every batch has every update.
            if number >= 2 and not any(probe.unreached().values()):
                break
        where = self.subject.where("updates")
        if probe.moved_by_others:
            raise NotConforming(
                "parameters that only their own player's updates move", ", ".join(sorted(probe.moved_by_others)), where
            )
        for player, unreached in probe.unreached().items() if self.subject.trains else ():
            if unreached:
                required = f"a gradient for every trainable parameter of the player {player!r}"
                raise NotConforming(required, f"none for {', '.join(unreached[:5])} in an epoch", where)

    def test_the_trainer_alone_makes_the_steps(self) -> None:
        """Between its yields an objective moves no parameter, calls no backward, and computes losses in train mode."""
        probe = self.subject.stepper(BetweenYields)
        for batch in self.subject.batches(3):
            probe.step(batch, 1.0)
        for required, found, remedy in (
            (
                "parameters that only the trainer's steps move",
                probe.written,
                "yield an Update, or change a copy (functional_call)",
            ),
            ("gradients that only the trainer computes", probe.backward, "yield an Update, or use torch.autograd.grad"),
            (
                "losses computed in train mode, in which dropout works",
                probe.evaluating,
                "leave eval mode before, or compute under no_grad",
            ),
        ):
            if found:
                raise NotConforming(
                    required, f"otherwise: {shortened(sorted(found))}", f"{self.subject.where('updates')}: {remedy}"
                )

    def test_random_generators_are_not_seeded(self) -> None:
        """``updates`` never seeds the global random generators of torch, NumPy and Python."""
        states = []
        for seed in (1, 2):
            stepper = self.subject.stepper()
            set_seed(seed)  # not stepper(seed=seed): an objective may seed with its task's seed
            for batch in self.subject.batches(2):
                stepper.step(batch, 1.0)
            states.append(
                {
                    "torch": torch.get_rng_state().tolist(),
                    "NumPy": str(np.random.get_state()),
                    "Python": random.getstate(),
                }
            )
        seeded = [name for name, state in states[0].items() if state == states[1][name]]
        if seeded:
            look = f"{self.subject.where('updates')}: use batch.generator(name), or seed inside torch.random.fork_rng()"
            found = (
                f"the same state of {' and '.join(seeded)} from different seeds: it was seeded anew, so that every "
                "batch draws the same numbers"
            )
            raise NotConforming("global generators that are never seeded", found, look)

    def test_the_same_seed_gives_the_same_numbers(self) -> None:
        """New objects with the same seed make bitwise equal steps and predictions at any time."""
        first = self._trace(2)
        with racing_clock(packages_of(self.subject.plan.objective)):
            differ = _differing(first, self._trace(2))
        if not differ:
            return
        # Again at the true time: only numbers that are then equal were changed by the clock.
        if self.subject.trains and not _differing(first, self._trace(2)):
            look = f"{self.subject.where('updates')}: don't read the clock; count batches by batch.key or in a buffer"
            raise NotConforming(
                "equal numbers at any time of the day", f"{', '.join(differ[:5])} differ when the clock advances", look
            )
        look = f"{self.subject.where('updates')}: draw random numbers from torch's global generator or batch.generator"
        raise NotConforming("equal numbers from equal seeds", f"{', '.join(differ[:5])} differ", look)

    def test_counters_in_plain_python_change_nothing(self) -> None:
        """A step doesn't depend on numbers outside parameters and buffers: a resumed run starts without them."""
        plain = self._count()
        # A short and a long advance: some schedules change early, others late.
        for by in (100, 100_000) if plain.names else ():
            differ = _differing(plain.trace, self._count(plain.names, by).trace)
            if differ:
                required = "a step that depends on parameters, buffers and the batch alone"
                look = f"{self.subject.where('updates')}: keep the number in a buffer (register_buffer)"
                raise NotConforming(
                    required, f"{', '.join(differ[:3])} differ when {shortened(plain.names)} is {by:,} larger", look
                )

    def _count(self, names: Sequence[str] = (), by: int = 0) -> Counted:
        """Return the counters that moved in the third batch, and the fourth batch's trace with ``names`` advanced."""
        stepper = self.subject.stepper()
        before: dict[str, float] = {}
        changed, logs = [], []
        for number, batch in enumerate(self.subject.batches(4)):
            found = counters(stepper.objective)
            if number == 3:
                changed = moved(before, found)
                for name in names:
                    found[name].advance(by)
            before = {name: counter.value for name, counter in found.items()}
            logs = stepper.step(batch, 1.0)
        return Counted(changed, (logs, state_of({"model": stepper.model, "objective": stepper.objective})))

    def test_inputs_are_left_unchanged(self) -> None:
        """``updates`` and ``predict`` don't write into the batch."""
        stepper = self.subject.stepper()
        for batch in self.subject.batches(1):
            self._require_unchanged(batch, "updates", partial(stepper.step, batch, 1.0))
        batch = self.subject.first
        self._require_unchanged(batch, "predict", partial(self.subject.predict, stepper, batch))

    def _require_unchanged(self, batch: Batch, method: str, call: Callable[[], object]) -> None:
        before = {name: tensor.clone() for name, tensor in tensors(batch)}
        call()
        changed = [name for name, tensor in tensors(batch) if not tensor.equal(before[name])]
        if changed:
            look = f"{self.subject.where(method)}: write into a clone()"
            raise NotConforming("a batch that isn't changed", f"{', '.join(changed)} changed", look)

    def _require_finite(self, stepper: Stepper, batch: Batch, where: str) -> None:
        bad = [f"{name} {value.item()}" for name, value in stepper.step(batch, 1.0, audit=True) if not value.isfinite()]
        for player in stepper.players.values():
            bad += [
                f"{name} after the step" for name, weight in player.parameters.items() if not weight.isfinite().all()
            ]
        if bad:
            raise NotConforming(
                f"finite losses, logs and weights on {where}", ", ".join(bad[:5]), self.subject.where("updates")
            )

    def _trace(self, batches: int) -> Trace:
        """Return the trace of the first ``batches`` steps of a new objective, and its predictions."""
        stepper = self.subject.stepper()
        logs = [entry for batch in self.subject.batches(batches) for entry in stepper.step(batch, 1.0)]
        logits = self.subject.predict(stepper)
        return logs, {**state_of({"model": stepper.model, "objective": stepper.objective}), "predictions": logits}


def _differing(one: Trace, other: Trace) -> list[str]:
    """Return the names of logs and tensors that aren't bitwise equal in two traces."""
    logs = [name for (name, a), (_, b) in zip(one[0], other[0], strict=True) if not a.equal(b)]
    return [name for name, value in one[1].items() if not value.equal(other[1][name])] + logs
