"""The objective: whose parameters move, what it minimises, what it logs."""

import itertools
import math
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from fecbench import Task
from fecbench.core.settings import RunSettings
from fecbench.data.batch import Batch
from fecbench.data.tokens import Tokens
from fecbench.training.devices import Precision
from fecbench.training.optimizers import assign_parameters
from fecbench.training.stepper import Stepper
from fecbench_aml import AML, AMLConfig, aml_loss, mine_hard_pairs

TASK = Task("toy", ("a", "b", "c"), (), 8, 8, 0)
BATCH = Batch(Tokens.pack([[1]] * 12), torch.tensor([0, 1, 2] * 4), torch.arange(12))


class TinyModel(nn.Module):
    """Features of fixed inputs, counted."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.inputs = torch.randn(12, 8)
        self.layer, self.head = nn.Linear(8, 8), nn.Linear(8, 3)
        self.encoded = 0

    def encode(self, batch):
        self.encoded += 1
        return self.inputs

    def project(self, h):
        return self.layer(h)

    def classify(self, z):
        return self.head(z)


def playing(lr=1e-2, **options) -> Stepper:
    torch.manual_seed(1)
    options = {"family": "mlp", "adversary": "cooperate", **options}
    objective, model = AML(AMLConfig(k_pos=3, k_neg=3, hidden=16, **options), TASK), TinyModel()
    settings = RunSettings(dataset="toy", lr=lr)
    return Stepper(
        objective, model, assign_parameters(objective, model, settings, "aml"), Precision(torch.device("cpu")), "aml"
    )


def parameters(game: Stepper, player: str):
    return {name: p.detach().clone() for name, p in game.players[player].parameters.items()}


@pytest.mark.parametrize("adversary", ["maximize", "confuse", "cooperate"])
def test_each_update_moves_its_own_player_and_sees_the_step_before(adversary):
    game = playing(adversary=adversary)
    generator = game.objective.updates(BATCH, game.model)
    states = [[parameters(game, player) for player in ("discriminator", "model")]]
    for number, update in enumerate(generator, 1):
        player = game._checked(update, number)
        game._backward(update.loss, player, number)
        game._move(player)
        states.append([parameters(game, player) for player in ("discriminator", "model")])

    def equal(a, b):
        return all(torch.equal(a[name], b[name]) for name in a)

    (start, after_d, after_e) = states
    assert equal(start[1], after_d[1])  # the discriminator's update leaves encoder and head bit-equal
    assert not equal(start[0], after_d[0])
    assert equal(after_d[0], after_e[0])  # the encoder's update leaves the discriminator bit-equal
    assert not equal(after_d[1], after_e[1])
    assert all(p.grad is None for module in (game.model, game.objective) for p in module.parameters())


@pytest.mark.parametrize(("t_d", "t_e"), [(1, 1), (3, 1), (1, 2), (2, 3)])
def test_steps_of_each_player_and_encoder_passes(t_d, t_e):
    game = playing(discriminator_steps=t_d, encoder_steps=t_e)
    names = [name for name, _ in game.step(BATCH, 1.0, audit=True)]
    assert names.count("discriminator_loss") == t_d
    assert names.count("model_loss") == t_e
    assert game.model.encoded == t_e  # one pass when T_E is 1


def pair_loss(game: Stepper) -> float:
    with torch.no_grad():
        z = game.model.project(game.model.encode(BATCH))
        pairs = mine_hard_pairs(z, BATCH.labels, k_pos=3, k_neg=3)
        return aml_loss(game.objective.judge(z, pairs), pairs.target, valid=pairs.valid).item()


@pytest.mark.parametrize(
    ("family", "adversary", "sign"),
    [
        ("mlp", "maximize", 1),
        ("mlp", "confuse", 1),
        ("mlp", "cooperate", -1),
        ("metric", "maximize", 1),
        ("metric", "cooperate", -1),
    ],
)
def test_what_the_adversary_does_to_the_pair_loss(family, adversary, sign):
    """``maximize`` raises L_aml on a fixed batch, ``cooperate`` lowers it; ``confuse`` over metrics may do either."""
    rate = {"mlp": 1e-2, "metric": 1e-1}[family]
    game = playing(
        family=family, adversary=adversary, discriminator_steps=20, regularization=0.0, discriminator_lr=rate
    )
    before = pair_loss(game)
    for update in itertools.islice(game.objective.updates(BATCH, game.model), 20):
        player = game._checked(update, 1)
        game._backward(update.loss, player, 1)
        game._move(player)
    assert sign * (pair_loss(game) - before) > 0.01


def test_the_adversarys_loss_by_hand():
    for adversary in ("maximize", "confuse", "cooperate"):
        game = playing(adversary=adversary, weight=0.7, regularization=2.0, w_pos=0.8)
        z = game.model.project(game.model.encode(BATCH)).detach()
        pairs = mine_hard_pairs(z, BATCH.labels, k_pos=3, k_neg=3)
        logits = game.objective.judge(z, pairs)
        penalty = 2.0 * 5e-4 * sum(p.square().sum() for p in game.objective.discriminator.parameters())
        loss = aml_loss(logits, pairs.target, w_pos=0.8, valid=pairs.valid)
        expected = {
            "maximize": -0.7 * loss,
            "confuse": aml_loss(-logits, pairs.target, w_pos=0.8, valid=pairs.valid),
            "cooperate": loss,
        }[adversary] + penalty
        torch.testing.assert_close(game.objective.discriminator_update(z, pairs).loss, expected)


def test_the_encoders_loss_by_hand():
    game = playing(weight=0.3, w_pos=0.8)
    z = game.model.project(game.model.encode(BATCH))
    pairs = mine_hard_pairs(z, BATCH.labels, k_pos=3, k_neg=3)
    logits = game.model.classify(z)
    update = game.objective.encoder_update(z, logits, BATCH, pairs)
    unit = torch.nn.functional.normalize(z)
    pair = aml_loss(
        game.objective.discriminator.between(unit, pairs.i, pairs.j), pairs.target, w_pos=0.8, valid=pairs.valid
    )
    expected = torch.nn.functional.cross_entropy(logits, BATCH.labels) + 0.3 * pair
    torch.testing.assert_close(update.loss, expected)
    ours, theirs = (
        torch.autograd.grad(loss, game.model.layer.weight, retain_graph=True)[0] for loss in (update.loss, expected)
    )
    torch.testing.assert_close(ours, theirs)  # the pair loss reaches the encoder
    assert not torch.allclose(ours, torch.autograd.grad(expected - 0.3 * pair, game.model.layer.weight)[0])


def test_what_is_logged():
    logs = dict(playing().step(BATCH, 1.0))
    assert set(logs) == {
        "discriminator_loss",
        "discriminator_loss_after",
        "aml_before",
        "model_loss",
        "cross_entropy",
        "aml",
        "positive_score",
        "positive_pairs",
        "negative_score",
        "negative_pairs",
    }
    assert logs["positive_pairs"].item() == logs["negative_pairs"].item() == 36
    assert logs["aml"] < logs["aml_before"]  # the discriminator cooperated in between
    assert logs["discriminator_loss_after"] < logs["discriminator_loss"]


def test_the_discriminator_s_loss_after_is_of_the_encoder_before_its_step():
    once, twice = (playing(encoder_steps=steps).step(BATCH, 1.0) for steps in (1, 2))
    expected = [value for name, value in once if name == "discriminator_loss_after"]
    assert [value for name, value in twice if name == "discriminator_loss_after"] == expected


def test_scores_and_counts_by_hand():
    game = playing()
    game.objective.config = AMLConfig(k_pos=2, k_neg=3, hidden=16)
    z = game.model.project(game.model.encode(BATCH)).detach()
    pairs = game.objective.mine(z, BATCH)
    scores = torch.sigmoid(game.objective.judge(z, pairs))
    found = game.objective.encoder_update(z, game.model.classify(z), BATCH, pairs).logs
    assert (found["positive_pairs"].item(), found["negative_pairs"].item()) == (
        24,
        36,
    )  # k_pos and k_neg aren't mistaken for one another
    torch.testing.assert_close(found["positive_score"], scores[pairs.valid & (pairs.target == 1)].mean())
    torch.testing.assert_close(found["negative_score"], scores[pairs.valid & (pairs.target == 0)].mean())
    nothing = pairs._replace(valid=pairs.valid & (pairs.target == 0))
    logits = game.objective.judge(z, nothing)
    found = game.objective.statistics(game.objective.pair_loss(logits, nothing), logits, nothing)
    assert found["positive_score"].item() == 0.5
    assert not any(value.requires_grad for value in found.values())


@pytest.mark.parametrize("option", [{"normalize": False}, {"symmetric": False}])
def test_normalize_and_symmetric_change_what_is_judged(option):
    z = torch.randn(12, 8, generator=torch.Generator().manual_seed(2)) * 3
    one, other = playing(), playing(**option)
    pairs = one.objective.mine(z, BATCH)
    assert not torch.allclose(one.objective.judge(z, pairs), other.objective.judge(z, pairs))
    if "normalize" in option:
        torch.testing.assert_close(
            other.objective.judge(z, pairs), other.objective.discriminator.between(z, pairs.i, pairs.j)
        )


def test_later_encoder_steps_keep_the_mined_pairs(monkeypatch):
    game = playing(encoder_steps=3)
    mined, original = [], AML.mine
    monkeypatch.setattr(AML, "mine", lambda self, z, batch: mined.append(original(self, z, batch)) or mined[-1])
    game.step(BATCH, 1.0)
    assert len(mined) == 1


def test_presets_of_the_paper():
    from fecbench.runs.plan import plan

    for name, k in (("ge", 20), ("ge-prepared", 20), ("ed", 10), ("ed-prepared", 10)):
        options = plan("aml", {"dataset": name}).options
        assert (options.k_pos, options.k_neg) == (k, k)


@pytest.mark.parametrize("labels", [[0] * 12, list(range(12)), [0]])
def test_a_batch_of_one_class_of_all_distinct_and_of_one(labels):
    game = playing()
    game.model.head = nn.Linear(8, 12)
    game.model.inputs = game.model.inputs[: len(labels)]
    batch = SimpleNamespace(labels=torch.tensor(labels))
    for name, value in game.step(batch, 1.0):
        assert math.isfinite(value), name


def test_the_discriminators_rate_and_decay():
    assert playing(lr=2e-5).players["discriminator"].lr == pytest.approx(2e-6)
    assert playing(lr=2e-5, family="metric").players["discriminator"].lr == pytest.approx(0.01)
    for family in ("mlp", "metric"):
        assert playing(family=family, discriminator_lr=0.5).players["discriminator"].lr == 0.5
    assert playing().players["discriminator"].optimizer.param_groups[0]["weight_decay"] == 0


def test_an_iteration_asks_the_device_for_nothing(monkeypatch):
    game = playing()
    game.step(BATCH, 1.0)

    def forbidden(*_, **__):
        raise AssertionError("host synchronisation")

    for name in ("item", "tolist", "numpy", "cpu", "__bool__", "__float__", "__int__"):
        monkeypatch.setattr(torch.Tensor, name, forbidden)
    game.step(BATCH, 1.0)
