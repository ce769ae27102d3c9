"""Gradients that an update keeps, with ``step=False``, for the next one."""

import pytest
import torch

from fecbench import Update
from fecbench.core.errors import ProtocolError
from tests.support.toy_game import BATCH, Game, playing, snapshot


def test_kept_gradients_are_added_to_the_next_update_s():
    def apart(self, batch, model):
        yield Update(model.encode(batch).square().mean(), step=False)
        yield Update(model.encode(batch).sum())

    def together(self, batch, model):
        z = model.encode(batch)
        yield Update(z.square().mean() + z.sum())

    results = []
    for method in (apart, together):
        game = playing(method)
        game.step(BATCH, 1.0)
        results.append(snapshot(game))
    assert all(torch.allclose(results[0][name], results[1][name], atol=1e-6) for name in results[0])


def test_an_objective_reads_the_gradients_that_it_keeps():
    seen = []

    def updates(self, batch, model):
        before = model.layer[0].weight.detach().clone()
        yield Update(model.encode(batch).sum(), step=False)
        seen.append(model.layer[0].weight.grad.norm())
        assert torch.equal(before, model.layer[0].weight)
        yield Update(model.encode(batch).square().mean())
        seen.append(model.layer[0].weight.grad)

    playing(updates).step(BATCH, 1.0)
    assert seen[0] > 0
    assert seen[1] is None


def test_gradients_kept_at_the_end_are_refused_and_spoil_no_later_batch():
    def ends(self, batch, model):
        yield Update(model.encode(batch).sum(), step=False)

    def changes(self, batch, model):
        yield Update(model.encode(batch).sum(), step=False)
        yield Update(self.rival.sum(), "rival")

    with pytest.raises(ProtocolError, match="the last update of a batch must step"):
        playing(ends).step(BATCH, 1.0)
    game = playing(changes)
    with pytest.raises(
        ProtocolError, match="kept for model the next update must be of the same players, but is of rival"
    ):
        game.step(BATCH, 1.0)
    game.objective.updates = Game.updates.__get__(game.objective)
    clean = playing()
    for one in (game, clean):
        one.step(BATCH, 1.0)
    assert all(torch.equal(value, snapshot(clean)[name]) for name, value in snapshot(game).items())
