"""Run an objective's updates on one batch and enforce the rules of the protocol, which docs/plugins.md lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.autograd import _get_sequence_nr  # type: ignore[attr-defined]
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


MAX_UPDATES = 1000  # updates on one batch; more count as an endless loop


@dataclass
class Stepper:
    """Runs an objective's updates on batches.

    Attributes:
        objective: the objective.
        model: the run's model.
        players: the players' optimisers, by name.
        precision: the precision of forward computations.
        who: the objective's name, for messages.
        clip: maximum gradient norm of each player; None for no clipping.
        ranks: number of ranks.
    """

    objective: Objective
    model: Model
    players: Mapping[str, PlayerOptimizer]
    precision: Precision
    who: str
    clip: float | None = None
    ranks: int = 1
    # Of each parameter that was stepped: the player and autograd's sequence number at its last step.
    _marks: dict[nn.Parameter, tuple[str, int]] = field(default_factory=dict)
    _kept: tuple[str, ...] = ()  # players whose gradients are kept for the next update (Update.step is False)
    _watched: list[nn.Module] = field(init=False)

    def __post_init__(self) -> None:
        self._watched = [*self.model.modules(), *self.objective.modules()]

    def step(
        self, batch: Batch, factor: float, audit: bool = False, number: int = 0, total: int = 1
    ) -> list[tuple[str, Tensor]]:
        """Make every update that the objective yields on ``batch``.

        Args:
            batch: the training batch.
            factor: factor on the peak learning rates.
            audit: search each graph for features computed before a step on their player. The version counters that
                guard every batch miss features that autocast or a single linear layer hides (ADR 3).
            number: number of the batch in the run, from 0, for players with their own schedules.
            total: number of batches in the run.

        Returns:
            Each update's loss (named ``PLAYER_loss`` after its first player) and logs, in order, on the device.

        Raises:
            ProtocolError: the objective broke a rule; the message names the objective, the update and the remedy.
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
                # Logs stay tensors: reading a number here would wait for the device at every update.
                logs.append((f"{players[0].name}_loss", update.loss.detach()))
                logs += [(name, torch.as_tensor(value).detach().reshape(())) for name, value in update.logs.items()]
        if self._kept:
            raise ProtocolError(
                f"{self.who}: the last update of a batch must step, but it keeps its gradients; "
                "yield one with step=True"
            )
        return logs

    def _resumed(self, updates: Iterator[Update]) -> Iterator[Update]:
        """Advance the generator under autocast; raise if it leaves grad, autocast or train mode changed."""
        while True:
            # A fresh autocast for each update, closed before backward and step: its cache of cast weights would
            # outlive the step, and the next update would use the old weights.
            with self.precision.autocast():
                before, guarded = self._modes(), self._guarded_state()
                update = next(updates, None)
                if self._modes() != before:
                    getattr(updates, "close", lambda: None)()  # leaves the `with` blocks that the generator is in
                    torch.set_grad_enabled(True)
                    raise ProtocolError(
                        f"{self.who}: updates must leave all modes as they found them, but the grad, autocast or "
                        "train mode changed; leave every mode-changing `with` before the yield, and set train() again"
                    )
                self._check_guarded_state(guarded)
            if update is None:
                return
            yield update

    def _modes(self) -> tuple[object, ...]:
        """Return all modes that the trainer and later updates rely on.

        A `with` around a yield stays open in the trainer, which would then step without gradient or in the wrong
        precision. train() and eval() can be called on any submodule, so every module's flag is compared.
        """
        kind = self.precision.device.type
        autocast = torch.is_autocast_enabled(kind), torch.get_autocast_dtype(kind)
        training = [module.training for module in self._watched]
        return torch.is_grad_enabled(), torch.is_inference_mode_enabled(), autocast, training

    def _guarded_state(self) -> tuple[int, dict[str, int]]:
        """Return what an objective must not change: the global seed and the versions of trainable parameters."""
        named = (item for player in self.players.values() for item in player.parameters.items())
        return torch.initial_seed(), {name: parameter._version for name, parameter in named if parameter.requires_grad}

    def _check_guarded_state(self, before: tuple[int, dict[str, int]]) -> None:
        """Raise ProtocolError if the objective seeded the global generator or wrote to a trainable parameter."""
        seed, versions = self._guarded_state()
        if seed != before[0]:
            raise ProtocolError(
                f"{self.who}: updates must not seed torch's global generator, since every batch would then draw the "
                "same numbers; use batch.generator(name), or seed inside torch.random.fork_rng()"
            )
        moved = [name for name, version in versions.items() if before[1].get(name, version) != version]
        if moved:
            raise ProtocolError(
                f"{self.who}: only the trainer's steps may move a trainable parameter, but updates wrote to "
                f"{moved[0]}; yield an Update, or change a copy of it (torch.func.functional_call)"
            )

    def _checked(self, update: Update, number: int) -> list[PlayerOptimizer]:
        """Return the players of a valid update.

        Raises:
            ProtocolError: the update is invalid.
        """
        where = f"{self.who}, update {number}"
        if number > MAX_UPDATES:
            raise ProtocolError(
                f"{where}: updates must end, but has yielded {MAX_UPDATES:,} on one batch; leave its loop"
            )
        if not isinstance(update, Update):
            raise ProtocolError(f"{where}: updates must yield fecbench.Update, found {type(update).__name__}")
        players = self._named(update, where)
        if not isinstance(update.loss, Tensor) or update.loss.ndim:
            shape = list(update.loss.shape) if isinstance(update.loss, Tensor) else type(update.loss).__name__
            raise ProtocolError(
                f"{where}: the loss must be a scalar tensor, found {shape}; reduce it, for example with .mean()"
            )
        _check_logs(update.logs, where)
        for player in players:
            if not update.loss.requires_grad:
                raise ProtocolError(
                    f"{where}: the loss has no gradient for player {player.name!r}; "
                    "it was detached or computed without gradient; "
                    "compute it from the player's parameters without detach"
                )
            if not player.trainable():
                raise ProtocolError(
                    f"{where}: player {player.name!r} has no parameter that requires a gradient; unfreeze some of them"
                )
        return players

    def _named(self, update: Update, where: str) -> list[PlayerOptimizer]:
        """Return the players that an update names; after kept gradients they must be the same as before."""
        unknown = [name for name in update.players if not isinstance(name, str) or name not in self.players]
        if unknown or not update.players:
            named = unknown[0] if unknown else update.player
            raise ProtocolError(f"{where}: the player {named!r} is unknown; players are {', '.join(self.players)}")
        if self._kept and update.players != self._kept:
            raise ProtocolError(
                f"{where}: after gradients kept for {', '.join(self._kept)} the next update must be of the same "
                f"players, but is of {', '.join(update.players)}; yield it later"
            )
        players = [self.players[name] for name in update.players]
        for one, other in combinations(players, 2):
            if one.parameters.keys() & other.parameters.keys():
                raise ProtocolError(
                    f"{where}: an update must move a parameter once, but names the players {one.name!r} and "
                    f"{other.name!r}, which have parameters in common; yield an update for each"
                )
        return players

    def _backward(self, loss: Tensor, players: list[PlayerOptimizer], number: int) -> None:
        """Compute the gradients of the players' trainable parameters alone and add them to kept ones."""
        where = f"{self.who}, update {number}"
        parameters = [parameter for player in players for parameter in player.trainable()]
        if not self._kept:
            self._clear()
        try:
            # inputs=: all other parameters in the graph, those of an opponent for example, get no gradient.
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
                    f"{where}: the loss has no gradient for player {player.name!r}; "
                    "it depends on none of its parameters; compute it from them without detach"
                )
        average_gradients(parameters, self.ranks)

    def _move(self, players: list[PlayerOptimizer]) -> None:
        """Step the players, drop all gradients, and make graphs with the old weights fail in backward."""
        for player in players:
            if self.clip is not None:
                torch.nn.utils.clip_grad_norm_(player.trainable(), self.clip)
            player.optimizer.step()
        self._clear()
        now = _get_sequence_nr()  # autograd gives it to the operation that it records next
        for player in players:
            moved = player.trainable()
            # Fused optimisers don't raise autograd's version counters; without them stale graphs go unnoticed (ADR 3).
            increment_version(moved)
            self._marks.update(dict.fromkeys(moved, (player.name, now)))

    def _clear(self) -> None:
        # None, not 0: a parameter that a loss doesn't reach is left out of the step. With a gradient of 0 its decay and
        # its moments would move it.
        for player in self.players.values():
            player.optimizer.zero_grad(set_to_none=True)

    def _search_stale(self, loss: Tensor, number: int) -> None:
        """Raise ProtocolError if the graph of ``loss`` used a parameter before its last step.

        Autograd numbers operations as they are recorded, so an operation on a parameter with a smaller number than
        the parameter's mark happened before the step.
        """
        if not self._marks:
            return
        pending, seen = [loss.grad_fn], {loss.grad_fn}
        while pending:
            node = pending.pop()
            for following, _ in node.next_functions if node else ():
                # Only a leaf's node (AccumulateGrad) has a variable, the parameter itself.
                mark = self._marks.get(getattr(following, "variable", None))  # type: ignore[arg-type]
                if mark and node._sequence_nr() < mark[1]:  # type: ignore[union-attr]
                    raise self._stale(number, mark[0])
                if following is not None and following not in seen:
                    seen.add(following)
                    pending.append(following)

    def _stale(self, number: int, player: str) -> ProtocolError:
        return ProtocolError(
            f"{self.who}, update {number}: the loss must use features computed after the last step on {player}, "
            "but uses older ones; encode again after a step"
        )


def _check_logs(logs: object, where: str) -> None:
    """Raise ProtocolError unless ``logs`` is a dict of numbers or single-element tensors by name."""
    if not isinstance(logs, Mapping):
        raise ProtocolError(f"{where}: logs must be a dict of numbers by name, found {type(logs).__name__}")
    invalid = [
        str(name)
        for name, value in logs.items()
        if not (isinstance(name, str) and isinstance(value, Tensor | int | float))
    ]
    if invalid:
        raise ProtocolError(
            f"{where}: logs must be numbers by name, found other values: {', '.join(invalid)}; leave them out"
        )
    many = [name for name, value in logs.items() if isinstance(value, Tensor) and value.numel() != 1]
    if many:
        raise ProtocolError(
            f"{where}: logs must be single numbers, found larger tensors: {', '.join(many)}; "
            "reduce each to one number, for example with .mean()"
        )
