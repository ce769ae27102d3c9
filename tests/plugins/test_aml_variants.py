"""Rows of their own are presets of one class; and how the objective uses the miner's strategies and the families."""

from types import SimpleNamespace

import pytest
import torch

from fecbench import Task
from fecbench.core.settings import RunSettings
from fecbench.data.batch import Batch
from fecbench.data.tokens import Tokens
from fecbench.objective.check import get_objective
from fecbench.runs.plan import plan
from fecbench.training.devices import Precision
from fecbench.training.optimizers import assign_parameters
from fecbench.training.stepper import Stepper
from fecbench_aml import AML, AMLConfig, MetricDiscriminator, mine_hard_pairs
from tests.support.tiny_model import TinyModel

VARIANTS = {
    "aml-threshold": {"strategy": "threshold"},
    "aml-uniform": {"strategy": "uniform"},
    "aml-no-adv": {"weight": 0.0},
    "aml-cooperate": {"adversary": "cooperate"},
    "aml-confuse": {"adversary": "confuse"},
    "aml-mlp": {"family": "mlp"},
    "aml-mlp-confuse": {"family": "mlp", "adversary": "confuse"},
    "aml-mlp-cooperate": {"family": "mlp", "adversary": "cooperate"},
}


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_differs_from_aml_in_its_choice_alone(name):
    kind = get_objective(name)
    assert issubclass(kind, AML)
    assert not any(callable(value) for value in vars(kind).values())  # a preset, not a copy
    ours, base = (plan(each, {"dataset": "ge"}).options.model_dump() for each in (name, "aml"))
    assert {key: value for key, value in ours.items() if value != base[key]} == VARIANTS[name]


def test_a_variants_choice_can_still_be_set():
    assert plan("aml-threshold", {"dataset": "ge", "strategy": "topk"}).options.strategy == "topk"


def playing(**options) -> Stepper:
    torch.manual_seed(1)
    objective, model = (
        AML(AMLConfig(k_pos=3, k_neg=3, **options), Task("toy", ("a", "b", "c"), (), 8, 8, 0)),
        TinyModel(3),
    )
    players = assign_parameters(objective, model, RunSettings(dataset="toy", lr=1e-2), "aml")
    return Stepper(objective, model, players, Precision(torch.device("cpu")), "aml")


def batch(step: int) -> Batch:
    return Batch(Tokens.pack([[1]] * 12), torch.tensor([0, 1, 2] * 4), torch.arange(12), key=(0, 1, step))


def test_without_weight_there_is_cross_entropy_alone():
    game = playing(weight=0.0)
    before = [p.detach().clone() for p in game.objective.parameters()]
    logs = game.step(batch(0), 1.0)
    assert [name for name, _ in logs] == ["model_loss"]
    assert all(torch.equal(a, b) for a, b in zip(before, game.objective.parameters(), strict=True))


@pytest.mark.parametrize("adversary", ["maximize", "confuse", "cooperate"])
@pytest.mark.parametrize("strategy", ["topk", "threshold", "uniform", "batch-topk"])
@pytest.mark.parametrize("family", ["mlp", "metric"])
def test_every_choice_makes_a_step_of_each_player(adversary, strategy, family):
    game = playing(adversary=adversary, strategy=strategy, family=family, threshold=0.0)
    before = {name: [p.detach().clone() for p in player.parameters.values()] for name, player in game.players.items()}
    logs = dict(game.step(batch(0), 1.0, audit=True))
    assert all(torch.isfinite(value) for value in logs.values())
    for name, player in game.players.items():
        moved = [not torch.equal(a, b) for a, b in zip(before[name], player.parameters.values(), strict=True)]
        assert any(moved), name


def test_random_pairs_are_a_function_of_seed_epoch_and_step():
    game = playing(strategy="uniform")
    z = torch.randn(12, 8)
    one, again, other = (game.objective.mine(z, batch(step)).j.tolist() for step in (0, 0, 1))
    assert one == again != other


def test_the_metric_adversary_turns_the_directions_that_hurt():
    """One coordinate tells the labels apart, one is noise: maximising the pair loss moves the weight to the noise."""
    game = playing(family="metric", adversary="maximize", normalize=False, discriminator_lr=0.1, regularization=0.0)
    torch.manual_seed(0)
    labels = torch.tensor([0, 1, 2] * 4)
    z = torch.zeros(12, 8)
    z[:, 0], z[:, 1] = labels * 1.0, torch.randn(12)
    pairs = mine_hard_pairs(z, labels, k_pos=3, k_neg=3)
    discriminator = game.objective.discriminator
    assert isinstance(discriminator, MetricDiscriminator)
    for _ in range(10):
        player = game._checked(game.objective.discriminator_update(z, pairs), 1)
        game._backward(game.objective.discriminator_update(z, pairs).loss, player, 1)
        game._move(player)
    assert discriminator.weights[1] > discriminator.weights[0]


def test_a_batch_of_one(monkeypatch):
    game = playing(strategy="batch-topk")
    game.model.inputs = game.model.inputs[:1]
    for _, value in game.step(SimpleNamespace(labels=torch.tensor([0])), 1.0):
        assert torch.isfinite(value)
