"""Losses and gradients of training steps, recorded for a comparison: without dropout, with equal random numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from fecbench.training.stepper import Stepper

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from trainee import Trainee

    from fecbench import Batch
    from fecbench.training.optimizers import PlayerOptimizer

Logs = Sequence[tuple[str, Tensor]]


@dataclass
class Recorder(Stepper):
    """A stepper that keeps the gradients of each update, as one vector."""

    gradients: list[Tensor] = field(default_factory=list)

    def _move(self, players: list[PlayerOptimizer]) -> None:
        gradients = [p.grad for player in players for p in player.trainable() if p.grad is not None]
        self.gradients.append(torch.cat([gradient.detach().flatten() for gradient in gradients]))
        super()._move(players)


class NoiseByCall(TorchDispatchMode):
    """Draws the k-th random tensor of a step from a generator that k seeds.

    A draw for more tokens, the padding included, then begins with the draw for fewer; a second draw from the same
    generator would not.
    """

    calls = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if func.name() not in ("aten::rand", "aten::rand.generator"):
            return func(*args, **(kwargs or {}))
        self.calls += 1
        size, options = args[0], {key: (kwargs or {}).get(key) for key in ("dtype", "device")}
        noise = torch.rand(size, dtype=options["dtype"], generator=torch.Generator().manual_seed(self.calls))
        return noise.to(options["device"] or "cpu")


@dataclass(frozen=True)
class Steps:
    """The losses of all updates of some steps, and their gradients."""

    losses: list[float]
    gradients: list[Tensor]

    @classmethod
    def of(
        cls,
        trainee: Trainee,
        batches: Iterable[Batch],
        step: Callable[[Batch], Logs] | None = None,
        noise: Callable[[], AbstractContextManager[object]] = NoiseByCall,
    ) -> Steps:
        """Make a step on each of ``batches``.

        Args:
            trainee: the method in training.
            batches: the batches, on the trainee's device.
            step: makes a step; by default the trainee's stepper does.
            noise: makes a context in which a step draws its random numbers.
        """
        losses = []
        for batch in batches:
            with noise():
                logs = step(batch) if step else trainee.stepper.step(batch, 1.0)
            losses += [float(value) for name, value in logs if name.endswith("_loss")]
        gradients = trainee.stepper.gradients if isinstance(trainee.stepper, Recorder) else []
        return cls(losses, gradients)

    def apart(self, other: Steps) -> tuple[float, float]:
        """Return the greatest differences of a loss and of an update's gradient, relative to those of ``other``."""
        losses = max(abs(a - b) / max(abs(b), 1e-6) for a, b in zip(self.losses, other.losses, strict=True))
        pairs = zip(self.gradients, other.gradients, strict=True)
        return losses, max((relative(a, b) for a, b in pairs), default=0.0)


def relative(found: Tensor, expected: Tensor) -> float:
    """Return ``|found - expected| / |expected|``."""
    return float((found - expected).norm() / expected.norm().clamp(min=1e-30))


def comparable(trainee: Trainee) -> Trainee:
    """Prepare a trainee for a comparison: no dropout, and features of texts that are far apart.

    A random encoder gives all texts nearly the same features. Then rounding would choose hard pairs and the signs of
    activations. So each of its matrices gets entries of a variance of at least 1 / columns.
    """
    for module in (*trainee.stepper.model.modules(), *trainee.stepper.objective.modules()):
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    with torch.no_grad():
        for weight in trainee.stepper.model.encoder.parameters():
            if weight.ndim == 2:
                weight.div_((weight.std() * weight.shape[1] ** 0.5).clamp(max=1))
    return trainee


def state(trainee: Trainee) -> list[dict[str, Tensor]]:
    """Return copies of the weights and buffers of model and objective."""
    modules = trainee.stepper.model, trainee.stepper.objective
    return [{name: value.clone() for name, value in module.state_dict().items()} for module in modules]


def restore(trainee: Trainee, start: Sequence[Mapping[str, Tensor]]) -> None:
    """Bring back weights and buffers, and set the optimisers' states to those before the first step, in place."""
    for module, weights in zip((trainee.stepper.model, trainee.stepper.objective), start, strict=True):
        module.load_state_dict(weights)
    for player in trainee.stepper.players.values():
        for values in player.optimizer.state.values():
            for value in values.values():
                value.zero_()
