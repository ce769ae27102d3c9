"""The optimiser of each player: its learning rate, schedule, decay, epsilon, clipping and saved state."""

import pytest
import torch

from fecbench import Player, Update
from fecbench.core.settings import RunSettings
from fecbench.training.optimizers import assign_parameters
from tests.support.toy_game import BATCH, Game, ToyModel, copy_state, moved, playing, snapshot


def test_the_learning_rate_is_the_same_for_all_updates_of_a_batch():
    game = playing(objective=Game((3, 2)))
    game.step(BATCH, 0.25)
    assert [group["lr"] for group in game.players["model"].optimizer.param_groups] == [0.1 * 0.25]
    assert [group["lr"] for group in game.players["rival"].optimizer.param_groups] == [0.1 * 0.25]


def test_a_player_s_own_schedule_goes_by_the_step():
    class Halving(Game):
        def players(self):
            return {"rival": Player([self.rival], lr=0.8, schedule=lambda step, steps: 0.5**step * (steps == 4))}

    game = playing(objective=Halving())
    for step, expected in enumerate((0.8, 0.4, 0.2)):
        game.step(BATCH, 0.25, False, step, 4)
        assert game.players["rival"].optimizer.param_groups[0]["lr"] == pytest.approx(expected)
        assert game.players["model"].optimizer.param_groups[0]["lr"] == pytest.approx(0.025)


def test_a_players_rate_and_decay():
    game = Game()
    settings = RunSettings(dataset="toy", lr=1e-2, weight_decay=0.5, no_decay_norm_bias=True)
    game.players = lambda: {"rival": Player([game.rival], lr_scale=0.1, weight_decay=0.0)}
    found = assign_parameters(game, ToyModel(), settings, "toy")
    assert (found["model"].lr, found["rival"].lr) == (1e-2, pytest.approx(1e-3))
    assert [group["weight_decay"] for group in found["model"].optimizer.param_groups] == [0.5, 0.0]
    assert [group["weight_decay"] for group in found["rival"].optimizer.param_groups] == [0.0]


@pytest.mark.parametrize("optimizer", ["adamw", "adam"])
def test_every_player_takes_the_run_s_epsilon(optimizer):
    game = Game()
    game.players = lambda: {"rival": Player([game.rival])}
    for given, expected in (({}, 1e-8), ({"adam_eps": 1e-6}, 1e-6)):
        found = assign_parameters(game, ToyModel(), RunSettings(dataset="toy", optimizer=optimizer, **given), "toy")
        assert {group["eps"] for player in found.values() for group in player.optimizer.param_groups} == {expected}


def test_adam_adds_the_decay_to_the_gradient():
    def updates(self, batch, model):
        yield Update(self.rival.sum() * 0.0 + model.encode(batch).sum() * 0.0, ("model", "rival"))

    shrunk = {}
    for optimizer in ("adam", "adamw"):
        game = playing(updates, optimizer=optimizer, weight_decay=0.5)
        before = game.objective.rival.detach().clone()
        game.step(BATCH, 1.0)
        shrunk[optimizer] = before - game.objective.rival.detach()
    assert torch.allclose(
        shrunk["adam"].abs(), torch.full((4,), 0.1), atol=1e-5
    )  # Adam's first step is the rate, whatever the size
    assert torch.allclose(shrunk["adamw"], before * 0.1 * 0.5, atol=1e-6)


def test_clipping_is_per_player(monkeypatch):
    norms = []
    original = torch.nn.utils.clip_grad_norm_

    def spy(parameters, limit):
        parameters = list(parameters)
        original(parameters, limit)
        norms.append((len(parameters), float(torch.cat([p.grad.flatten() for p in parameters]).norm())))

    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", spy)
    playing(clip=1e-3).step(BATCH, 1.0)
    assert [count for count, _ in norms] == [1, 4]
    assert all(norm == pytest.approx(1e-3, rel=1e-3) for _, norm in norms)


def test_optimiser_state_survives_a_save():
    torch.manual_seed(3)
    first, second = playing(), playing()
    first.step(BATCH, 1.0)
    copy_state(first, second)
    for game in (first, second):
        game.step(BATCH, 0.5)
    assert not moved(snapshot(first), second)
