"""One batch: an objective's updates, stepped one after another under the protocol's rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.autograd.graph import increment_version

from fecbench.core.errors import ProtocolError
from fecbench.core.plugin_errors import plugin_errors
from fecbench.model.distributed import average_gradients
from fecbench.objective.protocol import Update

if TYPE_CHECKING:
    from torch import nn

    from fecbench.data.batch import Batch
    from fecbench.model.model import Model
    from fecbench.objective.objective import Objective
    from fecbench.training.devices import Precision
    from fecbench.training.optimizers import PlayerOptimizer


MOST = 1000  # updates on one batch


@dataclass
class Stepper:
    """Runs an objective's updates on batches.

    Raises (from :meth:`step`):
        ProtocolError: the objective broke a rule; the message names it, the update and the remedy.
    """

    objective: Objective
    model: Model
    players: Mapping[str, PlayerOptimizer]
    precision: Precision
    who: str
    clip: float | None = None
    ranks: int = 1
    _marks: dict[nn.Parameter, tuple[str, int]] = field(default_factory=dict)
    _kept: tuple[str, ...] = ()
    _watched: list[nn.Module] = field(init=False)

    def __post_init__(self) -> None:
        self._watched = [*self.model.modules(), *self.objective.modules()]

    def step(
        self, batch: Batch, factor: float, audit: bool = False, number: int = 0, total: int = 1
    ) -> list[tuple[str, Tensor]]:
        """Make every update that the objective yields on ``batch``, at ``factor`` times the peak learning rates.

        ``batch`` is ``number``, from 0, of the run's ``total``: players with schedules of their own go by that.

        With ``audit`` each graph is searched for features that are older than a step on their player: the version counters that guard every
        batch don't see those that autocast or a lone linear layer hides.

        Returns:
            Each update's loss (as ``PLAYER_loss``, by its first player) and logs, on the device, in order.
        """
        logs: list[tuple[str, Tensor]] = []
        self._kept = ()
        with plugin_errors(self.who, self.objective):
            for player in self.players.values():
                player.schedule(factor, number, total)
            updates = self.objective.updates(batch, self.model)
            if not isinstance(updates, Iterator):
                raise ProtocolError(
                    f"{self.who}: updates must be a generator, found {type(updates).__name__}; yield each Update"
                )
            for which, update in enumerate(self._resumed(updates), 1):
                players = self._checked(update, which)
                if audit:
                    self._search_stale(update.loss, which)
                self._backward(update.loss, players, which)
                self._kept = () if update.step else update.players
                if update.step:
                    self._move(players)
                logs.append((f"{players[0].name}_loss", update.loss.detach()))
                logs += [(name, torch.as_tensor(value).detach().reshape(())) for name, value in update.logs.items()]
        if self._kept:
            raise ProtocolError(
                f"{self.who}: the last update of a batch must step, but it keeps its gradients; yield one with step=True"
            )
        return logs

    def _resumed(self, updates: Iterator[Update]) -> Iterator[Update]:
        """Resume the generator until it ends, each time inside a fresh autocast, and refuse a mode that leaks out of it."""
        while True:
            with self.precision.autocast():
                before, entrusted = self._modes(), self._entrusted()
                update = next(updates, None)
                if self._modes() != before:
                    getattr(updates, "close", lambda: None)()  # leaves the `with` blocks it is in
                    torch.set_grad_enabled(True)
                    raise ProtocolError(
                        f"{self.who}: updates must be yielded, and must end, in the mode in which they were resumed, but the grad, "
                        "autocast or train mode changed; leave every mode-changing `with` before the yield, and set train() again"
                    )
                self._check_entrusted(entrusted)
            if update is None:
                return
            yield update

    def _modes(self) -> tuple[object, ...]:
        kind = self.precision.device.type
        autocast = torch.is_autocast_enabled(kind), torch.get_autocast_dtype(kind)
        training = [module.training for module in self._watched]
        return torch.is_grad_enabled(), torch.is_inference_mode_enabled(), autocast, training

    def _entrusted(self) -> tuple[int, dict[str, int]]:
        """What an objective must leave alone between its yields: the global generator's seed and the versions of trainable parameters."""
        named = (item for player in self.players.values() for item in player.parameters.items())
        return torch.initial_seed(), {name: parameter._version for name, parameter in named if parameter.requires_grad}

    def _check_entrusted(self, before: tuple[int, dict[str, int]]) -> None:
        seed, versions = self._entrusted()
        if seed != before[0]:
            raise ProtocolError(
                f"{self.who}: updates must not seed torch's global generator, since every batch would then draw the same numbers; take "
                "batch.generator(name), or seed inside torch.random.fork_rng()"
            )
        moved = [name for name, version in versions.items() if before[1].get(name, version) != version]
        if moved:
            raise ProtocolError(
                f"{self.who}: only the trainer's steps may move a trainable parameter, but updates wrote to {moved[0]}; yield an Update, "
                "or change a copy of it (torch.func.functional_call)"
            )

    def _checked(self, update: Update, number: int) -> list[PlayerOptimizer]:
        where = f"{self.who}, update {number}"
        if number > MOST:
            raise ProtocolError(f"{where}: updates must end, but has yielded {MOST:,} on one batch; leave its loop")
        if not isinstance(update, Update):
            raise ProtocolError(f"{where}: updates must yield fecbench.Update, found {type(update).__name__}")
        players = self._named(update, where)
        if not isinstance(update.loss, Tensor) or update.loss.ndim:
            shape = list(update.loss.shape) if isinstance(update.loss, Tensor) else type(update.loss).__name__
            raise ProtocolError(
                f"{where}: the loss must be a scalar tensor, found {shape}; reduce it, for example with .mean()"
            )
        if not isinstance(update.logs, Mapping):
            raise ProtocolError(f"{where}: logs must be a dict of numbers by name, found {type(update.logs).__name__}")
        odd = [
            str(name)
            for name, value in update.logs.items()
            if not (isinstance(name, str) and isinstance(value, Tensor | int | float))
        ]
        if odd:
            raise ProtocolError(f"{where}: logs must be numbers by name, but {', '.join(odd)} isn't; leave it out")
        many = [name for name, value in update.logs.items() if isinstance(value, Tensor) and value.numel() != 1]
        if many:
            raise ProtocolError(
                f"{where}: logs must be single numbers, but {', '.join(many)} isn't; reduce it, for example with .mean()"
            )
        for player in players:
            if not update.loss.requires_grad:
                raise ProtocolError(
                    f"{where}: the loss has no gradient for player {player.name!r}; it was detached or computed without gradient"
                )
            if not player.trainable():
                raise ProtocolError(
                    f"{where}: player {player.name!r} has no parameter that requires a gradient; unfreeze some of them"
                )
        return players

    def _named(self, update: Update, where: str) -> list[PlayerOptimizer]:
        """The players that an update names; after one that kept its gradients, the same as before."""
        unknown = [name for name in update.players if not isinstance(name, str) or name not in self.players]
        if unknown or not update.players:
            named = unknown[0] if unknown else update.player
            raise ProtocolError(f"{where}: the player {named!r} is unknown; players are {', '.join(self.players)}")
        if self._kept and update.players != self._kept:
            raise ProtocolError(
                f"{where}: after gradients kept for {', '.join(self._kept)} the next update must be of the same players, but is of "
                f"{', '.join(update.players)}; yield it later"
            )
        players = [self.players[name] for name in update.players]
        for one, other in combinations(players, 2):
            if one.parameters.keys() & other.parameters.keys():
                raise ProtocolError(
                    f"{where}: an update must move a parameter once, but names the players {one.name!r} and {other.name!r}, who have some "
                    "in common; yield an update for each"
                )
        return players

    def _backward(self, loss: Tensor, players: list[PlayerOptimizer], number: int) -> None:
        """Gradients of the players' trainable parameters, added to those that are kept, and of nothing else."""
        where = f"{self.who}, update {number}"
        parameters = [parameter for player in players for parameter in player.trainable()]
        if not self._kept:
            self._clear()
        try:
            loss.backward(inputs=parameters)
        except RuntimeError as error:
            if "modified by an inplace operation" in str(error) and self._marks:
                raise self._stale(number, ", ".join(sorted({name for name, _ in self._marks.values()}))) from error
            if "backward through the graph a second time" in str(error):
                raise ProtocolError(
                    f"{where}: its loss shares a graph with an earlier one; each loss owns its graph, compute it again"
                ) from error
            raise
        for player in players:
            if all(parameter.grad is None for parameter in player.trainable()):
                raise ProtocolError(
                    f"{where}: the loss has no gradient for player {player.name!r}; it depends on none of its parameters"
                )
        average_gradients(parameters, self.ranks)

    def _move(self, players: list[PlayerOptimizer]) -> None:
        """Step the players, drop all gradients, and make graphs over the old weights fail."""
        for player in players:
            if self.clip is not None:
                torch.nn.utils.clip_grad_norm_(player.trainable(), self.clip)
            player.optimizer.step()
        self._clear()
        now = _sequence_number()
        for player in players:
            increment_version(player.trainable())  # fused optimisers don't raise them themselves
            self._marks.update(dict.fromkeys(player.trainable(), (player.name, now)))

    def _clear(self) -> None:
        for player in self.players.values():
            player.optimizer.zero_grad(set_to_none=True)

    def _search_stale(self, loss: Tensor, number: int) -> None:
        """Refuse a graph in which a parameter that was stepped since was used before its step."""
        if not self._marks:
            return
        pending, seen = [loss.grad_fn], {loss.grad_fn}
        while pending:
            node = pending.pop()
            for following, _ in node.next_functions if node else ():
                mark = self._marks.get(getattr(following, "variable", None))  # type: ignore[arg-type]
                if mark and node._sequence_nr() < mark[1]:  # type: ignore[union-attr]
                    raise self._stale(number, mark[0])
                if following is not None and following not in seen:
                    seen.add(following)
                    pending.append(following)

    def _stale(self, number: int, player: str) -> ProtocolError:
        return ProtocolError(
            f"{self.who}, update {number}: computed before the step on {player}; encode again after a step"
        )


def _sequence_number() -> int:
    """The number that autograd gives to the operation recorded now; later ones get greater numbers."""
    return torch.ones((), requires_grad=True).clone().grad_fn._sequence_nr()  # type: ignore[union-attr]
