"""An invalid update, a parameter written to and a seeded generator are named errors."""

import pytest
import torch

from fecbench import Update
from fecbench.core.errors import ProtocolError
from tests.support.toy_game import BATCH, moved, playing, snapshot


def detached(self, batch, model):
    yield Update(model.encode(batch).detach().mean())


def of_another_player(self, batch, model):
    yield Update((model.encode(batch).detach() * self.rival).sum())


def vector(self, batch, model):
    yield Update(model.encode(batch).mean(1))


def plain_number(self, batch, model):
    yield Update(0.5)


def bare_loss(self, batch, model):
    yield model.encode(batch).mean()


def stranger(self, batch, model):
    yield Update(model.encode(batch).mean(), "adversary")


@pytest.mark.parametrize(
    ("updates", "message"),
    [
        (detached, r"toy, update 1: the loss has no gradient for player 'model'; it was detached"),
        (
            of_another_player,
            r"toy, update 1: the loss has no gradient for player 'model'; it depends on none of its parameters",
        ),
        (vector, r"the loss must be a scalar tensor, found \[2\]; reduce it"),
        (plain_number, r"the loss must be a scalar tensor, found float"),
        (bare_loss, r"updates must yield fecbench\.Update, found Tensor"),
        (stranger, r"the player 'adversary' is unknown; players are model, rival"),
    ],
)
def test_what_is_no_update_is_named(updates, message):
    game = playing(updates)
    before = snapshot(game)
    with pytest.raises(ProtocolError, match=message):
        game.step(BATCH, 1.0)
    assert not moved(before, game)


def test_a_wholly_frozen_player_is_named():
    game = playing()
    game.objective.rival.requires_grad_(False)
    game.objective.updates = lambda batch, model: iter([Update(model.encode(batch).mean(), "rival")])
    with pytest.raises(ProtocolError, match="player 'rival' has no parameter that requires a gradient; unfreeze"):
        game.step(BATCH, 1.0)


@pytest.mark.parametrize("write", ["add_", "copy_"])
def test_a_parameter_that_updates_write_to_is_named(write):
    def updates(self, batch, model):
        with torch.no_grad():
            parameter = next(model.parameters())
            getattr(parameter, write)(torch.ones_like(parameter))
        yield Update(model.encode(batch).square().mean())

    with pytest.raises(
        ProtocolError, match=r"only the trainer's steps may move a trainable parameter, but updates wrote to model\."
    ):
        playing(updates).step(BATCH, 1.0)


def test_the_global_generator_may_be_drawn_from_and_forked_but_not_seeded():
    def seeding(self, batch, model):
        torch.manual_seed(7)
        yield Update(model.encode(batch).square().mean())

    def forking(self, batch, model):
        torch.rand(3)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
        yield Update(model.encode(batch).square().mean())

    with pytest.raises(ProtocolError, match="must not seed torch's global generator"):
        playing(seeding).step(BATCH, 1.0)
    playing(forking).step(BATCH, 1.0)
