"""AML as its authors' code trains it, against that code's loop written by hand."""

import copy
import math

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, normalize

from fecbench import (
    FecbenchError,
    Task,
    clustered_contrastive_loss,
    kmeans_clusters,
    label_pair_weights,
    label_separation_loss,
)
from fecbench.data.batch import Batch
from fecbench.data.datasets.locations import DataLocations
from fecbench.data.tokens import Tokens
from fecbench.runs.experiment import RunContext, run
from fecbench.runs.plan import plan
from fecbench.training.devices import Precision
from fecbench.training.optimizers import assign_parameters
from fecbench.training.stepper import Stepper
from fecbench_aml.released import AMLReleased

LABELS = torch.tensor([0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 1])
BATCH = Batch(Tokens.pack([[1]] * 12), LABELS, torch.arange(12))


class TinyHead(nn.Module):
    """A label head over fixed states of three labels."""

    def __init__(self):
        super().__init__()
        self.labels, self.label_states = nn.Parameter(torch.randn(3, 8)), None


class TinyModel(nn.Module):
    """Features of fixed inputs; each encoding is another one, as under dropout."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.inputs, self.layer, self.head, self.encoded = torch.randn(12, 8), nn.Linear(8, 8), TinyHead(), 0

    def encode(self, batch):
        self.encoded += 1
        self.head.label_states = self.head.labels * 1.0
        return self.inputs + 0.3 * torch.sin(self.inputs * self.encoded)

    def project(self, h):
        return self.layer(h)

    def classify(self, z):
        return z @ self.layer(self.head.label_states).T


def released(lr=1e-2, **options):
    """A stepper over ``aml-released`` as it is planned, with fewer pairs."""
    chosen = plan("aml-released", {"dataset": "demo", "k_pos": 4, "k_neg": 5, "hidden": 16, "lr": lr, **options})
    torch.manual_seed(1)
    objective, model = AMLReleased(chosen.options, Task("toy", ("a", "b", "c"), (), 8, 8, 3)), TinyModel()
    players = assign_parameters(objective, model, chosen.settings, "aml-released")
    return Stepper(objective, model, players, Precision(torch.device("cpu")), "aml-released")


def hardest(z, labels, k_pos, k_neg):
    """The released mining: all pairs i < j in a list, sorted."""
    unit = normalize(z.detach())
    pairs = [(i, j, float(unit[i] @ unit[j])) for i in range(len(z)) for j in range(i + 1, len(z))]
    alike = sorted((pair for pair in pairs if labels[pair[0]] == labels[pair[1]]), key=lambda pair: pair[2])[:k_pos]
    unlike = sorted((pair for pair in pairs if labels[pair[0]] != labels[pair[1]]), key=lambda pair: -pair[2])[:k_neg]
    return [pair[:2] for pair in alike], [pair[:2] for pair in unlike]


def released_pair_loss(score, z, alike, unlike):
    """Mean over positives and mean over negatives, one order of each pair, divided by the number of kinds."""
    unit, losses = normalize(z), []
    for pairs, sign in ((alike, 1), (unlike, -1)):
        if pairs:
            one = [torch.cat([unit[i], unit[j], (unit[i] - unit[j]).abs(), unit[i] * unit[j]]) for i, j in pairs]
            losses.append(-torch.nn.functional.logsigmoid(sign * score(torch.stack(one)).squeeze(-1)).mean())
    return sum(losses) / len(losses)


def by_hand(model, discriminator, factors, lr=1e-2):
    """The released loop: AdamW over encoder and discriminator, AdamW at a tenth of its rate over the discriminator."""
    phi = discriminator

    def score(pairs):
        return phi.last(torch.relu(phi.second(torch.relu(phi.first(pairs)))))

    shared = {"weight_decay": 1e-3, "eps": 1e-6}
    joint = torch.optim.AdamW([*model.parameters(), *phi.parameters()], lr=lr, **shared)
    alone = torch.optim.AdamW(phi.parameters(), lr=0.1 * lr, **shared)
    for factor in factors:
        joint.param_groups[0]["lr"] = lr * factor  # the other optimiser has no schedule
        z = model.project(model.encode(BATCH))
        alike, unlike = hardest(z, LABELS, 4, 5)
        alone.zero_grad()
        released_pair_loss(score, z.detach(), alike, unlike).backward()
        alone.step()
        joint.zero_grad()
        again = model.project(model.encode(BATCH))
        logits = model.classify(again)
        contrast = clustered_contrastive_loss(again, LABELS, kmeans_clusters(again.detach(), 3, 3))
        separation = label_separation_loss(model.head.label_states, label_pair_weights(logits))
        loss = (
            cross_entropy(logits, LABELS)
            + 0.4 * contrast
            + 0.4 * separation
            + released_pair_loss(score, z, alike, unlike)
        )
        loss.backward()
        joint.step()


def test_iterations_are_the_released_loop_s():
    game = released()
    model, discriminator = copy.deepcopy(game.model), copy.deepcopy(game.objective.discriminator)
    before = discriminator.first.weight.detach().clone()
    factors = (1.0, 0.75, 0.5, 0.25)
    for number, factor in enumerate(factors):
        game.step(BATCH, factor, True, number, len(factors))
    by_hand(model, discriminator, factors)
    assert not torch.allclose(before, discriminator.first.weight)
    for ours, theirs in ((game.objective.discriminator, discriminator), (game.model, model)):
        for name, value in theirs.state_dict().items():
            torch.testing.assert_close(ours.state_dict()[name], value, rtol=1e-4, atol=1e-6, msg=name)


def test_its_settings_are_the_released_ones():
    chosen = plan("aml-released", {"dataset": "ed"})
    options, settings = chosen.options, chosen.settings
    assert (options.strategy, options.family, options.adversary) == ("batch-topk", "mlp", "cooperate")
    assert (options.symmetric, options.normalize, options.regularization, options.w_pos, options.weight) == (
        False,
        True,
        0.0,
        0.5,
        1.0,
    )
    assert (options.contrastive_weight, options.separation_weight, options.temperature, options.base_temperature) == (
        0.4,
        0.4,
        0.5,
        0.07,
    )
    assert (settings.adam_eps, settings.weight_decay, settings.optimizer, settings.head) == (
        1e-6,
        1e-3,
        "adamw",
        "label",
    )
    assert chosen.objective.variant_of == "aml"


def test_one_order_of_each_pair_is_scored_and_none_twice():
    game = released()
    z = game.model.project(game.model.encode(BATCH))
    pairs = game.objective.mine(z, BATCH)
    found = [
        (i, j) for i, j, valid in zip(pairs.i.tolist(), pairs.j.tolist(), pairs.valid.tolist(), strict=True) if valid
    ]
    assert sorted(found) == sorted([pair for kind in hardest(z, LABELS, 4, 5) for pair in kind])
    assert all(i < j for i, j in found)
    turned = pairs._replace(i=pairs.j, j=pairs.i)
    assert not torch.allclose(game.objective.judge(z, pairs), game.objective.judge(z, turned))


def test_the_discriminators_own_rate_is_constant_and_the_other_falls():
    game = released(lr=2e-5)
    game.step(BATCH, 0.25, False, 3, 4)
    rates = {name: player.optimizer.param_groups[0] for name, player in game.players.items()}
    assert rates["discriminator"]["lr"] == pytest.approx(2e-6)
    assert rates["discriminator_with_encoder"]["lr"] == rates["model"]["lr"] == pytest.approx(0.25 * 2e-5)
    assert {(group["eps"], group["weight_decay"]) for group in rates.values()} == {(1e-6, 1e-3)}


@pytest.mark.parametrize(("options", "rate"), [({}, 0.01), ({"discriminator_lr": 0.3}, 0.3)])
def test_a_metric_has_the_rate_of_aml_in_its_own_optimiser(options, rate):
    players = released(lr=2e-5, family="metric", **options).players
    rates = {name: player.optimizer.param_groups[0]["lr"] for name, player in players.items()}
    assert rates == {"model": 2e-5, "discriminator": rate, "discriminator_with_encoder": 2e-5}


@pytest.mark.parametrize("adversary", ["maximize", "confuse"])
def test_an_adversary_that_one_of_two_optimisers_would_follow_is_refused(adversary):
    with pytest.raises(FecbenchError, match=f"--adversary {adversary}: it must be 'cooperate'"):
        plan("aml-released", {"dataset": "demo", "adversary": adversary})


def test_what_is_logged():
    logs = dict(released().step(BATCH, 1.0))
    parts = logs["cross_entropy"] + 0.4 * logs["contrastive"] + 0.4 * logs["label_separation"] + logs["aml"]
    assert float(logs["model_loss"]) == pytest.approx(float(parts), rel=1e-5)
    assert (int(logs["positive_pairs"]), int(logs["negative_pairs"])) == (4, 5)
    assert logs["aml"] < logs["aml_before"]  # the discriminator cooperated in between


def test_the_discriminator_s_loss_after_is_of_the_first_joint_update():
    names = [name for name, _ in released(encoder_steps=2).step(BATCH, 1.0)]
    assert (names.count("aml"), names.count("discriminator_loss_after")) == (2, 1)


def test_without_pairs_there_is_taco():
    game = released(weight=0.0)
    logs = dict(game.step(BATCH, 1.0))
    assert set(logs) == {"model_loss", "cross_entropy", "contrastive", "label_separation"}


@pytest.mark.parametrize("labels", [[0] * 12, list(range(12)), [0, 0]])
def test_a_batch_of_one_class_of_all_distinct_and_of_two(labels):
    game = released()
    game.model.inputs, game.model.head.labels = game.model.inputs[: len(labels)], nn.Parameter(torch.randn(12, 8))
    batch = Batch(Tokens.pack([[1]] * len(labels)), torch.tensor(labels), torch.arange(len(labels)))
    assert all(math.isfinite(value) for _, value in game.step(batch, 1.0))


def test_a_head_without_labels_is_refused(toy, tmp_path):
    chosen = plan(
        "aml-released", {"dataset": str(toy), "encoder": "scratch", "epochs": 1, "head": "linear", "device": "cpu"}
    )
    with pytest.raises(
        FecbenchError,
        match="aml-released needs a head that encodes the labels' texts, found LinearHead; use --head label",
    ):
        run(chosen, RunContext(DataLocations(), tmp_path / "run"))
