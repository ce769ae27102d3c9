"""Players: sets of parameters, each with an optimiser of its own; disjoint, unless they say that they share."""

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


FUSED = {"cpu", "cuda", "mps", "xpu"}
OPTIMIZERS = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam}


@dataclass
class PlayerOptimizer:
    """A player in training: its named parameters, optimiser and peak learning rate."""

    name: str
    parameters: dict[str, nn.Parameter]
    optimizer: torch.optim.Optimizer
    lr: float
    own_schedule: Callable[[int, int], float] | None = None

    def trainable(self) -> list[nn.Parameter]:
        """The parameters that require a gradient now."""
        return [parameter for parameter in self.parameters.values() if parameter.requires_grad]

    def schedule(self, factor: float, step: int = 0, steps: int = 1) -> None:
        """Set the learning rate to ``factor`` times its peak, or to what the player's own schedule says for ``step`` of ``steps``."""
        if self.own_schedule is not None:
            factor = self.own_schedule(step, steps)
        for group in self.optimizer.param_groups:
            group["lr"] = self.lr * factor

    def state(self) -> dict[str, Tensor]:
        """The optimiser's state as named tensors."""
        return {
            f"{self.name}/{name}/{key}": value
            for name, parameter in self.parameters.items()
            for key, value in self.optimizer.state[parameter].items()
        }

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Restore what :meth:`state` gave."""
        names = {parameter: name for name, parameter in self.parameters.items()}
        ordered = [names[parameter] for group in self.optimizer.param_groups for parameter in group["params"]]
        states = {}
        for index, name in enumerate(ordered):
            prefix = f"{self.name}/{name}/"
            states[index] = {
                key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)
            }
        saved = {"state": {index: state for index, state in states.items() if state}}
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), **saved})


def assign_parameters(
    objective: Objective, model: Model, settings: RunSettings, who: str
) -> dict[str, PlayerOptimizer]:
    """Every player with its optimiser; all parameters of ``model`` and ``objective`` that none claims go to the player ``model``.

    Raises:
        ProtocolError: two players claim a parameter that not both share, one claims none or a stranger's, or one is called ``model``.
    """
    known = {parameter: name for name, parameter in _named_parameters(objective, model)}
    players = dict(objective.players())
    if MODEL in players:
        raise ProtocolError(
            f"{who}: the player name {MODEL!r} is taken: it owns what no other player claims; rename the player"
        )
    owner: dict[nn.Parameter, str] = {}
    for name, player in players.items():
        players[name] = player = replace(player, parameters=tuple(player.parameters))
        if not player.parameters:
            raise ProtocolError(f"{who}: the player {name!r} must claim parameters, but claims none")
        for parameter in player.parameters:
            if parameter not in known:
                raise ProtocolError(
                    f"{who}: the player {name!r} claims a parameter that neither the objective nor the model holds"
                )
            other = owner.get(parameter)
            if other == name or (other and not (player.shared and players[other].shared)):
                raise ProtocolError(
                    f"{who}: players must be disjoint, but {other!r} and {name!r} both claim {known[parameter]}; leave it to one of them, "
                    "or give both shared=True, so that each steps it with an optimiser of its own"
                )
            owner[parameter] = name
    rest = tuple(parameter for parameter in known if parameter not in owner)
    everybody = ({MODEL: Player(rest)} if rest else {}) | players
    return {
        name: _contestant(name, player, {known[parameter]: parameter for parameter in player.parameters}, settings)
        for name, player in everybody.items()
    }


def _named_parameters(objective: Objective, model: Model) -> Iterator[tuple[str, nn.Parameter]]:
    yield from model.named_parameters(prefix="model")
    shared = set(model.parameters())
    yield from (
        (name, parameter)
        for name, parameter in objective.named_parameters(prefix="objective")
        if parameter not in shared
    )


def _contestant(
    name: str, player: Player, parameters: dict[str, nn.Parameter], settings: RunSettings
) -> PlayerOptimizer:
    lr = settings.lr * player.lr_scale if player.lr is None else player.lr
    decay = settings.weight_decay if player.weight_decay is None else player.weight_decay
    device = next(iter(parameters.values())).device.type
    groups = _groups(parameters, decay, settings.no_decay_norm_bias)
    optimizer = OPTIMIZERS[settings.optimizer](groups, lr=lr, eps=settings.adam_eps, fused=device in FUSED)
    return PlayerOptimizer(name, parameters, optimizer, lr, player.schedule)


def _groups(parameters: dict[str, nn.Parameter], decay: float, spare: bool) -> list[dict[str, object]]:
    """Parameter groups; where ``spare`` is set, vectors (biases and normalisation weights) don't decay."""
    spared = [p for p in parameters.values() if spare and p.ndim < 2]
    decayed = [p for p in parameters.values() if not (spare and p.ndim < 2)]
    groups: list[dict[str, object]] = [
        {"params": decayed, "weight_decay": decay},
        {"params": spared, "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]
