"""The trainer protocol's rules, each shown to fail without what enforces it.

A toy game: the player ``model`` is a linear layer, the player ``rival`` a vector.
"""

from contextlib import contextmanager
from itertools import pairwise

import pytest
import torch
from torch import nn

from fecbench import Config, Objective, Player, Task, Update
from fecbench.core.errors import ProtocolError
from fecbench.core.settings import RunSettings
from fecbench.data.batch import Batch
from fecbench.data.tokens import Tokens
from fecbench.training import stepper
from fecbench.training.devices import Precision
from fecbench.training.optimizers import assign_parameters
from fecbench.training.stepper import Stepper

TASK = Task("toy", ("a", "b"), ("a", "b"), 4, 4, 0)
BATCH = Batch(Tokens.pack([[1, 2], [3]]), torch.tensor([0, 1]), torch.tensor([0, 1]))


class ToyModel(nn.Module):
    """Features of two fixed inputs."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.inputs = torch.randn(2, 4)
        self.layer = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))

    def encode(self, batch):
        return self.layer(self.inputs)


class Game(Objective):
    """``model`` and ``rival`` in turn; ``record`` keeps what the generator sees."""

    def __init__(self, rounds=(1, 1)):
        super().__init__(Config(), TASK)
        torch.manual_seed(1)
        self.rival = nn.Parameter(torch.randn(4))
        self.rounds, self.record = rounds, []

    def players(self):
        return {"rival": Player([self.rival], lr=0.1)}

    def updates(self, batch, model):
        z = model.encode(batch)
        for _ in range(self.rounds[0]):
            self.record.append(self.rival.detach().clone())
            yield Update((z.detach() * self.rival).sum().square(), "rival", {"seen": self.rival.detach().norm()})
        self.record.append(self.rival.detach().clone())
        for turn in range(self.rounds[1]):
            z = z if turn == 0 else model.encode(batch)
            self.record.append(model.layer[0].weight.detach().clone())
            yield Update((z * self.rival).sum().square())
        self.record.append(model.layer[0].weight.detach().clone())


def playing(updates=None, objective=None, precision=None, **settings):
    """A stepper over the toy game, or over ``updates(self, batch, model)``."""
    objective = objective or Game()
    if updates:
        objective.updates = updates.__get__(objective)
    model = ToyModel()
    chosen = RunSettings(dataset="toy", lr=0.1, **settings)
    return Stepper(
        objective,
        model,
        assign_parameters(objective, model, chosen, "toy"),
        precision or Precision(torch.device("cpu")),
        "toy",
        chosen.clip,
    )


def snapshot(game: Stepper) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for player in game.players.values() for name, p in player.parameters.items()}


def moved(before: dict[str, torch.Tensor], game: Stepper) -> set[str]:
    return {name for name, value in snapshot(game).items() if not torch.equal(value, before[name])}


# Rule 1: a step moves its own player only, leaves no gradient, and the generator sees it.


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


# Rule 2: features computed before a step on their player are refused, although fused AdamW tells autograd nothing.


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


# Rule 3: autocast is opened around each next() alone, and no mode leaks out of it.


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


# Rule 4: schedules advance once a batch, clipping is per player, logs stay on the device.


def test_the_learning_rate_is_the_same_for_all_updates_of_a_batch():
    game = playing(objective=Game((3, 2)))
    game.step(BATCH, 0.25)
    assert [group["lr"] for group in game.players["model"].optimizer.param_groups] == [0.1 * 0.25]
    assert [group["lr"] for group in game.players["rival"].optimizer.param_groups] == [0.1 * 0.25]


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


def test_a_step_asks_the_device_for_nothing(monkeypatch):
    game = playing(objective=Game((2, 2)))
    game.step(BATCH, 1.0)

    def forbidden(*_, **__):
        raise AssertionError("host synchronisation")

    for name in ("item", "tolist", "numpy", "cpu", "__bool__", "__float__", "__int__"):
        monkeypatch.setattr(torch.Tensor, name, forbidden)
    logs = game.step(BATCH, 1.0)
    assert all(isinstance(value, torch.Tensor) and not value.requires_grad for _, value in logs)


# Players.


def test_what_no_player_claims_belongs_to_model():
    game = Game()
    game.extra = nn.Linear(2, 2)
    found = assign_parameters(game, ToyModel(), RunSettings(dataset="toy"), "toy")
    assert list(found) == ["model", "rival"]
    assert "objective.extra.weight" in found["model"].parameters
    assert set(found["rival"].parameters) == {"objective.rival"}


@pytest.mark.parametrize(
    ("players", "message"),
    [
        (lambda g: {"model": Player([g.rival])}, "the player name 'model' is taken"),
        (lambda g: {"rival": Player([])}, "'rival' must claim parameters, but claims none; return"),
        (
            lambda g: {"rival": Player([nn.Parameter(torch.ones(1))])},
            "claims a parameter that neither the objective nor the model holds",
        ),
        (
            lambda g: {"one": Player([g.rival]), "two": Player([g.rival])},
            r"'one' and 'two' both claim objective\.rival",
        ),
    ],
)
def test_players_are_disjoint_and_own_something(players, message):
    game = Game()
    game.players = lambda: players(game)
    with pytest.raises(ProtocolError, match=message):
        assign_parameters(game, ToyModel(), RunSettings(dataset="toy"), "toy")


class Shared(Game):
    """The rival is stepped by two players, each with an optimiser of its own: a slow one, and one beside the model."""

    def players(self):
        slow = Player([self.rival], lr_scale=0.1, shared=True, schedule=lambda step, steps: 1.0)
        return {"rival": slow, "beside": Player([self.rival], shared=True)}

    def updates(self, batch, model):
        yield Update((model.encode(batch).detach() * self.rival).sum().square(), "rival")
        yield Update((model.encode(batch) * self.rival).sum().square(), ("model", "beside"))


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
    state = {name: value.clone() for player in first.players.values() for name, value in player.state().items()}
    assert {name for name in state if name.endswith("rival/exp_avg")} == {
        "rival/objective.rival/exp_avg",
        "beside/objective.rival/exp_avg",
    }
    second.model.load_state_dict(first.model.state_dict())
    second.objective.load_state_dict(first.objective.state_dict())
    for player in second.players.values():
        player.load(state)
    for game in (first, second):
        game.step(BATCH, 0.5)
    assert not moved(snapshot(first), second)


@pytest.mark.parametrize("shared", [(True, False), (False, True)])
def test_sharing_is_said_by_both(shared):
    game = Game()
    game.players = lambda: {
        name: Player([game.rival], shared=said) for name, said in zip(("one", "two"), shared, strict=True)
    }
    with pytest.raises(
        ProtocolError,
        match=r"'one' and 'two' both claim objective\.rival; leave it to one of them, or give both shared=True",
    ):
        assign_parameters(game, ToyModel(), RunSettings(dataset="toy"), "toy")


def test_a_player_claims_a_parameter_once():
    game = Game()
    game.players = lambda: {"one": Player([game.rival, game.rival], shared=True)}
    with pytest.raises(ProtocolError, match="players must be disjoint"):
        assign_parameters(game, ToyModel(), RunSettings(dataset="toy"), "toy")


@pytest.mark.parametrize("players", [("rival", "beside"), ("model", "rival", "beside"), ("model", "model")])
def test_an_update_moves_a_parameter_once(players):
    def updates(self, batch, model):
        yield Update((model.encode(batch) * self.rival).sum().square(), players)

    game = playing(updates, objective=Shared())
    before = snapshot(game)
    with pytest.raises(ProtocolError, match="update 1: an update must move a parameter once, but names the players"):
        game.step(BATCH, 1.0)
    assert not moved(before, game)


def test_features_from_before_a_step_on_shared_parameters_are_stale():
    def updates(self, batch, model):
        judged = (model.encode(batch) * self.rival).sum().square()
        yield Update((model.encode(batch).detach() * self.rival).sum().square(), "rival")
        yield Update(judged, ("model", "beside"))

    with pytest.raises(
        ProtocolError, match="update 2: the loss must use features computed after the last step on rival"
    ):
        playing(updates, objective=Shared()).step(BATCH, 1.0)


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


def test_optimiser_state_survives_a_save():
    torch.manual_seed(3)
    first, second = playing(), playing()
    first.step(BATCH, 1.0)
    state = {name: value.clone() for player in first.players.values() for name, value in player.state().items()}
    second.model.load_state_dict(first.model.state_dict())
    second.objective.load_state_dict(first.objective.state_dict())
    for player in second.players.values():
        player.load(state)
    for game in (first, second):
        game.step(BATCH, 0.5)
    assert not moved(snapshot(first), second)


def test_frozen_parameters_stay_even_under_weight_decay():
    game = playing(weight_decay=0.1)
    game.model.layer[0].requires_grad_(False)
    before = snapshot(game)
    game.step(BATCH, 1.0)
    assert moved(before, game) == {"model.layer.1.weight", "model.layer.1.bias", "objective.rival"}


# Rule 7: what is no update is a named error.


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


# Gradients that are kept, and updates of several players.


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


def test_stepped_together_both_are_stale():
    def updates(self, batch, model):
        z = model.encode(batch)
        yield Update((z.detach() * self.rival).sum() + model.encode(batch).sum(), ("rival", "model"))
        yield Update(z.square().mean())

    with pytest.raises(ProtocolError, match="features computed after the last step on"):
        playing(updates).step(BATCH, 1.0)


# Rates.


def test_a_player_s_own_schedule_goes_by_the_step():
    class Halving(Game):
        def players(self):
            return {"rival": Player([self.rival], lr=0.8, schedule=lambda step, steps: 0.5**step * (steps == 4))}

    game = playing(objective=Halving())
    for step, expected in enumerate((0.8, 0.4, 0.2)):
        game.step(BATCH, 0.25, False, step, 4)
        assert game.players["rival"].optimizer.param_groups[0]["lr"] == pytest.approx(expected)
        assert game.players["model"].optimizer.param_groups[0]["lr"] == pytest.approx(0.025)


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
