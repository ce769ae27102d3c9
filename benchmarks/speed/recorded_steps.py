"""Losses and gradients of training steps, recorded for a comparison: without dropout, with equal random numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from trainee import Trainee

from fecbench import Batch
from fecbench.training.optimizers import PlayerOptimizer
from fecbench.training.stepper import Stepper


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
    def of(cls, trainee: Trainee, batches: Iterable[Batch], noise: Callable[[], Any] = NoiseByCall) -> Steps:
        """Step on ``batches``, which must be on the trainee's device, with the random numbers of ``noise``."""
        losses: list[Tensor] = []
        for batch in batches:
            with noise():
                logs = trainee.stepper.step(batch, 1.0)
            losses += [value for name, value in logs if name.endswith("_loss")]
        gradients = trainee.stepper.gradients if isinstance(trainee.stepper, Recorder) else []
        return cls(torch.stack(losses).tolist(), gradients)

    def apart(self, other: Steps) -> tuple[float, float]:
        """Return the greatest differences of a loss and of an update's gradient; both relative, of losses above 1."""
        losses = max(abs(a - b) / max(1, abs(b)) for a, b in zip(self.losses, other.losses, strict=True))
        pairs = zip(self.gradients, other.gradients, strict=True)
        return losses, max((relative(a, b) for a, b in pairs), default=0.0)


def relative(found: Tensor, expected: Tensor) -> float:
    """Return ``|found - expected| / |expected|``."""
    return float((found - expected).norm() / expected.norm().clamp(min=1e-30))


def without_dropout(trainee: Trainee) -> Trainee:
    """Set the dropout of all modules to 0."""
    for module in (*trainee.stepper.model.modules(), *trainee.stepper.objective.modules()):
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return trainee
