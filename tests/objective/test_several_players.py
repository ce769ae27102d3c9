"""Updates of several players, and players that share parameters."""

import pytest
import torch
from torch import nn

from fecbench import Update
from fecbench.core.errors import ProtocolError
from tests.support.toy_game import BATCH, Game, Shared, ToyModel, copy_state, moved, playing, snapshot


def test_players_that_share_keep_an_optimiser_each():
    """Three batches are a loop over two AdamWs: one over model and rival, one over the rival alone."""
    game, model, rival = (
        playing(objective=Shared(), weight_decay=0.3),
        ToyModel(),
        nn.Parameter(Game().rival.detach().clone()),
    )
    joint = torch.optim.AdamW([*model.parameters(), rival], lr=0.1, weight_decay=0.3)
    slow = torch.optim.AdamW([rival], lr=0.01, weight_decay=0.3)
    for factor in (1.0, 0.5, 0.25):
        game.step(BATCH, factor, audit=True)
        joint.param_groups[0]["lr"] = 0.1 * factor
        for optimizer, z in ((slow, model.encode(BATCH).detach()), (joint, None)):
            optimizer.zero_grad()
            (((model.encode(BATCH) if z is None else z) * rival).sum().square()).backward()
            optimizer.step()
    torch.testing.assert_close(game.objective.rival, rival)
    torch.testing.assert_close(game.model.layer[0].weight, model.layer[0].weight)
    moments = [game.players[name].optimizer.state[game.objective.rival]["exp_avg"] for name in ("rival", "beside")]
    torch.testing.assert_close(moments, [optimizer.state[rival]["exp_avg"] for optimizer in (slow, joint)])


def test_optimiser_states_of_players_that_share_survive_a_save():
    first, second = playing(objective=Shared()), playing(objective=Shared())
    first.step(BATCH, 1.0)
    state = copy_state(first, second)
    assert {name for name in state if name.endswith("rival/exp_avg")} == {
        "rival/objective.rival/exp_avg",
        "beside/objective.rival/exp_avg",
    }
    for game in (first, second):
        game.step(BATCH, 0.5)
    assert not moved(snapshot(first), second)


@pytest.mark.parametrize("players", [("rival", "beside"), ("model", "rival", "beside"), ("model", "model")])
def test_an_update_moves_a_parameter_once(players):
    def updates(self, batch, model):
        yield Update((model.encode(batch) * self.rival).sum().square(), players)

    game = playing(updates, objective=Shared())
    before = snapshot(game)
    with pytest.raises(ProtocolError, match="update 1: an update must move a parameter once, but names the players"):
        game.step(BATCH, 1.0)
    assert not moved(before, game)


def test_one_loss_can_move_several_players():
    def updates(self, batch, model):
        yield Update((model.encode(batch) * self.rival).sum(), ("model", "rival"))

    game = playing(updates)
    before = snapshot(game)
    (name, _), *_ = game.step(BATCH, 1.0)
    assert {"objective.rival", "model.layer.0.weight"} <= moved(before, game)
    assert name == "model_loss"


@pytest.mark.parametrize("players", [("model", "nobody"), ()])
def test_every_player_of_an_update_must_be_known(players):
    def updates(self, batch, model):
        yield Update(model.encode(batch).sum(), players)

    with pytest.raises(ProtocolError, match="is unknown; players are model, rival"):
        playing(updates).step(BATCH, 1.0)


def test_every_player_of_an_update_must_get_a_gradient():
    def updates(self, batch, model):
        yield Update(model.encode(batch).sum(), ("model", "rival"))

    with pytest.raises(ProtocolError, match="no gradient for player 'rival'; it depends on none"):
        playing(updates).step(BATCH, 1.0)
