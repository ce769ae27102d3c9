"""Autocast is opened around each next() alone, and no grad, autocast or train mode leaks out of it."""

from contextlib import contextmanager

import pytest
import torch

from fecbench import Update
from fecbench.core.errors import ProtocolError
from fecbench.training.devices import Precision
from tests.support.toy_game import BATCH, playing


@contextmanager
def evaluating(model):
    model.eval()
    yield
    model.train()


LEAKS = {
    "no_grad": lambda model: torch.no_grad(),
    "autocast": lambda model: torch.autocast("cpu", dtype=torch.bfloat16),
    "no autocast": lambda model: torch.autocast("cpu", enabled=False),
    "eval": evaluating,
}


@pytest.mark.parametrize("leak", LEAKS)
def test_an_update_from_inside_a_mode_change_is_refused(leak):
    def updates(self, batch, model):
        loss = model.encode(batch).square().mean()
        with LEAKS[leak](model):
            yield Update(loss)

    game = playing(updates, precision=Precision(torch.device("cpu"), bf16=leak == "no autocast"))
    with pytest.raises(
        ProtocolError,
        match="the grad, autocast or train mode changed; leave every mode-changing `with` before the yield",
    ):
        game.step(BATCH, 1.0)
    assert torch.is_grad_enabled()
    assert not torch.is_autocast_enabled("cpu")


def test_a_mode_that_leaks_at_the_end_is_refused():
    def updates(self, batch, model):
        yield Update(model.encode(batch).square().mean())
        model.eval()

    game = playing(updates)
    with pytest.raises(ProtocolError, match="train mode changed"):
        game.step(BATCH, 1.0)


def test_modes_may_change_between_yields():
    def updates(self, batch, model):
        with torch.no_grad(), torch.autocast("cpu", enabled=False):
            target = model.encode(batch)
        yield Update((model.encode(batch) - target + 1).square().mean())

    playing(updates, precision=Precision(torch.device("cpu"), bf16=True)).step(BATCH, 1.0, audit=True)


def test_backward_runs_outside_autocast_whose_cache_ends_with_a_step():
    seen = []

    def updates(self, batch, model):
        for _ in range(2):
            z = model.encode(batch)
            assert z.dtype == torch.bfloat16
            z.register_hook(lambda gradient: seen.append(torch.is_autocast_enabled("cpu")))
            self.record.append((z.detach(), model.layer[0].weight.detach().clone()))
            yield Update(z.float().square().mean())

    game = playing(updates, precision=Precision(torch.device("cpu"), bf16=True))
    game.step(BATCH, 1.0)
    assert seen == [False, False]
    (first, _), (second, _) = game.objective.record
    assert not torch.equal(first, second)  # a cached cast of the old weights would give the same features
    assert {p.dtype for p in game.model.parameters()} == {torch.float32}
