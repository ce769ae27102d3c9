"""Steps of an update: each moves its own player alone, leaves no gradient, and the generator sees it."""

from itertools import pairwise

import pytest
import torch

from fecbench import Update
from fecbench.core.errors import ProtocolError
from tests.support.toy_game import BATCH, Game, moved, playing, snapshot


@pytest.mark.parametrize(
    ("player", "own"), [("rival", {"objective.rival"}), ("model", {"model.layer.0.weight", "model.layer.1.weight"})]
)
def test_an_update_moves_its_own_player_only(player, own):
    def updates(self, batch, model):
        yield Update((model.encode(batch) * self.rival).sum().square(), player)

    game = playing(updates)
    before = snapshot(game)
    game.step(BATCH, 1.0)
    assert own <= moved(before, game)
    assert ("objective.rival" in moved(before, game)) == (player == "rival")
    assert all(p.grad is None for one in game.players.values() for p in one.parameters.values())


def test_no_gradient_is_computed_for_the_other_player():
    game = playing()
    reached = []
    game.objective.rival.register_hook(lambda gradient: reached.append("rival"))
    game.model.layer[0].weight.register_hook(lambda gradient: reached.append("model"))
    game.step(BATCH, 1.0)
    assert reached == ["rival", "model"]  # each in its own update alone, though the second loss depends on both


@pytest.mark.parametrize("rounds", [(1, 1), (3, 1), (1, 3), (2, 2)])
def test_the_generator_sees_every_step(rounds):
    game = playing(objective=Game(rounds))
    logs = game.step(BATCH, 1.0)
    seen = game.objective.record
    rivals, weights = seen[: rounds[0] + 1], seen[rounds[0] + 1 :]
    for values in (rivals, weights):
        assert all(not torch.equal(a, b) for a, b in pairwise(values))
    assert [name for name, _ in logs] == ["rival_loss", "seen"] * rounds[0] + ["model_loss"] * rounds[1]


def test_gradients_that_an_objective_leaves_behind_are_not_added():
    def updates(self, batch, model):
        model.encode(batch).sum().mul(1e6).backward()  # leaves gradients behind
        yield Update(model.encode(batch).square().mean())

    def clean(self, batch, model):
        yield Update(model.encode(batch).square().mean())

    results = []
    for method in (updates, clean):
        game = playing(method, weight_decay=0.0)
        game.step(BATCH, 1.0)
        results.append(snapshot(game))
    assert all(torch.equal(results[0][name], results[1][name]) for name in results[0])


def test_each_loss_owns_its_graph():
    def updates(self, batch, model):
        loss = model.encode(batch).square().sum() * self.rival.square().sum()
        yield Update(loss, "rival")
        yield Update(loss)

    game = playing(updates)
    with pytest.raises(ProtocolError, match=r"toy, update 2: its loss shares a graph with an earlier one"):
        game.step(BATCH, 1.0)


def test_frozen_parameters_stay_even_under_weight_decay():
    game = playing(weight_decay=0.1)
    game.model.layer[0].requires_grad_(False)
    before = snapshot(game)
    game.step(BATCH, 1.0)
    assert moved(before, game) == {"model.layer.1.weight", "model.layer.1.bias", "objective.rival"}


def test_a_step_asks_the_device_for_nothing(monkeypatch):
    game = playing(objective=Game((2, 2)))
    game.step(BATCH, 1.0)

    def forbidden(*_, **__):
        raise AssertionError("host synchronisation")

    for name in ("item", "tolist", "numpy", "cpu", "__bool__", "__float__", "__int__"):
        monkeypatch.setattr(torch.Tensor, name, forbidden)
    logs = game.step(BATCH, 1.0)
    assert all(isinstance(value, torch.Tensor) and not value.requires_grad for _, value in logs)
