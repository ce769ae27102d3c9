"""A training step captured as a CUDA graph: one launch replays all its kernels over a static buffer.

The graph holds the forward and backward passes and the optimisers' steps of all updates of a batch. What the host does
in a step (coins that it tosses, numbers that it computes) is done at the capture alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from static_buffer import StaticBuffer, capturing
from torch import Tensor

from fecbench.training.optimizers import PlayerOptimizer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trainee import Trainee

    from fecbench import Batch
    from fecbench.training.stepper import Stepper

WARM = 3  # steps before the capture; optimisers make their states in the first


@dataclass
class CapturablePlayer(PlayerOptimizer):
    """A player whose learning rate is a tensor, which a graph reads anew in each replay."""

    @classmethod
    def of(cls, player: PlayerOptimizer) -> CapturablePlayer:
        """Return ``player`` with an optimiser of the same kind and settings that has made no step."""
        groups = player.optimizer.param_groups
        kept = [{"params": group["params"], "weight_decay": group["weight_decay"]} for group in groups]
        device = groups[0]["params"][0].device
        kind: Any = type(player.optimizer)
        optimizer = kind(
            kept, lr=torch.tensor(player.lr, device=device), eps=groups[0]["eps"], fused=True, capturable=True
        )
        return cls(player.name, player.parameters, optimizer, player.lr, player.own_schedule)

    def schedule(self, factor: float, step: int = 0, steps: int = 1) -> None:
        """Set the learning rate, but not while a graph is captured, which would keep the present value."""
        if capturing():
            return
        if self.own_schedule is not None:
            factor = self.own_schedule(step, steps)
        for group in self.optimizer.param_groups:
            group["lr"].fill_(self.lr * factor)


class Replay:
    """The step of a trainee, whose players must be capturable, as a graph over ``buffer``."""

    def __init__(self, trainee: Trainee, buffer: StaticBuffer, batches: Sequence[Batch]):
        self.trainee, self.buffer = trainee, buffer
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):  # a capture needs libraries and optimisers that have worked on a side stream
            for batch in [*batches, *batches][:WARM]:
                trainee.stepper.step(buffer.put(batch), 1.0)
        torch.cuda.current_stream().wait_stream(side)
        static = buffer.put(batches[0])
        self._seed()
        self.graph = torch.cuda.CUDAGraph()
        for generator in self._generators():
            self.graph.register_generator_state(generator)
        with torch.cuda.graph(self.graph):
            self.logs = trainee.stepper.step(static, 1.0)

    def _generators(self) -> list[torch.Generator]:
        made = [generator for batch in self.buffer.batches for generator in batch.generators.values()]
        return [generator for generator in made if generator.device.type == "cuda"]

    def _seed(self) -> None:
        for static in self.buffer.batches:
            static.seed()

    def step(self, batch: Batch, factor: float = 1.0) -> list[tuple[str, Tensor]]:
        """Make the step on ``batch``; the logs' tensors are overwritten by the next step."""
        self.buffer.put(batch)
        self._seed()
        for player in self.trainee.stepper.players.values():
            player.schedule(factor)
        self.graph.replay()
        return self.logs


def capturable(trainee: Trainee) -> Trainee:
    """Give every player of ``trainee`` an optimiser that can be captured."""
    players = {name: CapturablePlayer.of(player) for name, player in trainee.stepper.players.items()}
    return replace(trainee, stepper=replace_players(trainee.stepper, players))


def replace_players(stepper: Stepper, players: Mapping[str, PlayerOptimizer]) -> Stepper:
    kept = {name: getattr(stepper, name) for name in ("objective", "model", "precision", "who", "clip", "ranks")}
    return type(stepper)(**kept, players=players)
