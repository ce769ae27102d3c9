"""Features computed before a step on their player are refused, although fused AdamW tells autograd nothing."""

import pytest
import torch

from fecbench import Update
from fecbench.core.errors import ProtocolError
from fecbench.training import stepper
from fecbench.training.devices import Precision
from tests.support.toy_game import BATCH, Game, Shared, playing


def stale(self, batch, model):
    z = model.encode(batch)
    yield Update(model.encode(batch).square().mean())
    yield Update(z.pow(4).mean())


def test_a_stale_graph_is_refused():
    with pytest.raises(
        ProtocolError,
        match=r"toy, update 2: the loss must use features computed after the last step on model, but uses older ones",
    ):
        playing(stale).step(BATCH, 1.0)


def test_fused_adamw_would_use_it_silently(monkeypatch):
    monkeypatch.setattr(stepper, "increment_version", lambda parameters: None)
    game = playing(stale)
    assert all(group["fused"] for group in game.players["model"].optimizer.param_groups)
    game.step(BATCH, 1.0)


@pytest.mark.parametrize("layers", [1, 2])
def test_the_audit_finds_what_version_counters_do_not_see(layers):
    """Under autocast the graph holds bf16 copies, and a single linear layer's gradient doesn't need its weight."""

    def hidden(self, batch, model):
        z = model.layer[:layers](model.inputs)
        yield Update(model.layer[:layers](model.inputs).square().mean())
        yield Update(z.float().pow(4).mean())

    precision = Precision(torch.device("cpu"), bf16=layers == 2)
    playing(hidden, precision=precision).step(BATCH, 1.0)  # silent
    with pytest.raises(
        ProtocolError, match=r"update 2: the loss must use features computed after the last step on model"
    ):
        playing(hidden, precision=precision).step(BATCH, 1.0, audit=True)


def test_the_audit_accepts_alternating_updates():
    playing(objective=Game((2, 2))).step(BATCH, 1.0, audit=True)


def test_a_rivals_stale_judgement_is_refused_too():
    def updates(self, batch, model):
        judged = (model.encode(batch) * self.rival).sum().square()
        yield Update((model.encode(batch).detach() * self.rival).sum().square(), "rival")
        yield Update(judged)

    with pytest.raises(
        ProtocolError, match=r"update 2: the loss must use features computed after the last step on rival"
    ):
        playing(updates).step(BATCH, 1.0)


def test_features_from_before_a_step_on_shared_parameters_are_stale():
    def updates(self, batch, model):
        judged = (model.encode(batch) * self.rival).sum().square()
        yield Update((model.encode(batch).detach() * self.rival).sum().square(), "rival")
        yield Update(judged, ("model", "beside"))

    with pytest.raises(
        ProtocolError, match="update 2: the loss must use features computed after the last step on rival"
    ):
        playing(updates, objective=Shared()).step(BATCH, 1.0)


def test_stepped_together_both_are_stale():
    def updates(self, batch, model):
        z = model.encode(batch)
        yield Update((z.detach() * self.rival).sum() + model.encode(batch).sum(), ("rival", "model"))
        yield Update(z.square().mean())

    with pytest.raises(ProtocolError, match="features computed after the last step on"):
        playing(updates).step(BATCH, 1.0)
