"""Assign parameters to players and build an optimiser for each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from fecbench.core.errors import ProtocolError
from fecbench.objective.protocol import MODEL, Player

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fecbench.core.settings import RunSettings
    from fecbench.model.model import Model
    from fecbench.objective.objective import Objective


FUSED = {"cpu", "cuda", "mps", "xpu"}  # device types with fused optimisers
OPTIMIZERS = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam}


@dataclass
class PlayerOptimizer:
    """A player's named parameters, optimiser, peak learning rate and, if it has one, schedule."""

    name: str
    parameters: dict[str, nn.Parameter]
    optimizer: torch.optim.Optimizer
    lr: float
    own_schedule: Callable[[int, int], float] | None = None

    def trainable(self) -> list[nn.Parameter]:
        """Return the parameters that currently require a gradient."""
        return [parameter for parameter in self.parameters.values() if parameter.requires_grad]

    def schedule(self, factor: float, step: int = 0, steps: int = 1) -> None:
        """Set the learning rate to ``factor`` times the peak.

        A player with a schedule of its own uses its factor at ``step`` of ``steps`` instead.
        """
        if self.own_schedule is not None:
            factor = self.own_schedule(step, steps)
        for group in self.optimizer.param_groups:
            group["lr"] = self.lr * factor

    def state(self) -> dict[str, Tensor]:
        """Return the optimiser's state as named tensors, ``PLAYER/PARAMETER/KEY``."""
        return {
            # The player's name too: players that share parameters have moments of their own (ADR 17).
            f"{self.name}/{name}/{key}": value
            for name, parameter in self.parameters.items()
            for key, value in self.optimizer.state[parameter].items()
        }

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Load the state returned by :meth:`state`."""
        # load_state_dict wants states by index, in the order of the parameter groups.
        names = {parameter: name for name, parameter in self.parameters.items()}
        ordered = [names[parameter] for group in self.optimizer.param_groups for parameter in group["params"]]
        states = {}
        for index, name in enumerate(ordered):
            prefix = f"{self.name}/{name}/"
            states[index] = {
                key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)
            }
        # A parameter that no step has reached yet has no state.
        saved = {"state": {index: state for index, state in states.items() if state}}
        # The groups stay as the settings made them; their learning rates are set before every batch.
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), **saved})


def assign_parameters(
    objective: Objective, model: Model, settings: RunSettings, who: str
) -> dict[str, PlayerOptimizer]:
    """Return every player's optimiser by name.

    The player ``model`` gets all parameters of ``model`` and ``objective`` that no other player claims.

    Args:
        objective: the objective, which names the other players.
        model: the run's model.
        settings: the run's settings.
        who: the objective's name, for messages.

    Raises:
        ProtocolError: two players that don't both share claim the same parameter, a player claims no parameter or
            one of neither ``model`` nor ``objective``, or a player is called ``model``.
    """
    known = {parameter: name for name, parameter in _named_parameters(objective, model)}
    players = _claims(objective, known, who)
    claimed = {parameter for player in players.values() for parameter in player.parameters}
    rest = tuple(parameter for parameter in known if parameter not in claimed)
    # torch builds no optimiser without parameters.
    all_players = ({MODEL: Player(rest)} if rest else {}) | players
    return {
        name: _optimizer(name, player, {known[parameter]: parameter for parameter in player.parameters}, settings)
        for name, player in all_players.items()
    }


def _claims(objective: Objective, known: dict[nn.Parameter, str], who: str) -> dict[str, Player]:
    """Return the objective's players by name, checked; ``known`` are the names of all parameters."""
    players = dict(objective.players())
    if MODEL in players:
        raise ProtocolError(
            f"{who}: the player name {MODEL!r} is taken: it owns what no other player claims; rename the player"
        )
    owner: dict[nn.Parameter, str] = {}
    for name, player in players.items():
        # A tuple, since an iterator such as module.parameters() can be read only once.
        players[name] = player = replace(player, parameters=tuple(player.parameters))
        if not player.parameters:
            raise ProtocolError(
                f"{who}: the player {name!r} must claim parameters, but claims none; "
                "return its parameters from players()"
            )
        for parameter in player.parameters:
            if parameter not in known:
                raise ProtocolError(
                    f"{who}: the player {name!r} claims a parameter that neither the objective nor the model holds; "
                    "register it in the objective"
                )
            other = owner.get(parameter)
            if other == name or (other and not (player.shared and players[other].shared)):
                raise ProtocolError(
                    f"{who}: players must be disjoint, but {other!r} and {name!r} both claim {known[parameter]}; "
                    "leave it to one of them, or give both shared=True, so that each steps it with an optimiser of its "
                    "own"
                )
            owner[parameter] = name
    return players


def _named_parameters(objective: Objective, model: Model) -> Iterator[tuple[str, nn.Parameter]]:
    yield from model.named_parameters(prefix="model")
    shared = set(model.parameters())  # an objective may keep the model, or a part of it, as a submodule
    yield from (
        (name, parameter)
        for name, parameter in objective.named_parameters(prefix="objective")
        if parameter not in shared
    )


def _optimizer(
    name: str, player: Player, parameters: dict[str, nn.Parameter], settings: RunSettings
) -> PlayerOptimizer:
    lr = settings.lr * player.lr_scale if player.lr is None else player.lr
    decay = settings.weight_decay if player.weight_decay is None else player.weight_decay
    device = next(iter(parameters.values())).device.type
    groups = _groups(parameters, decay, settings.no_decay_norm_bias)
    optimizer = OPTIMIZERS[settings.optimizer](groups, lr=lr, eps=settings.adam_eps, fused=device in FUSED)
    return PlayerOptimizer(name, parameters, optimizer, lr, player.schedule)


def _groups(parameters: dict[str, nn.Parameter], decay: float, exempt_vectors: bool) -> list[dict[str, object]]:
    """Return parameter groups. With ``exempt_vectors``, biases and normalisation weights have no weight decay."""
    without_decay = [p for p in parameters.values() if exempt_vectors and p.ndim < 2]
    with_decay = [p for p in parameters.values() if not (exempt_vectors and p.ndim < 2)]
    groups: list[dict[str, object]] = [
        {"params": with_decay, "weight_decay": decay},
        {"params": without_decay, "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]
