"""Attacks on frozen features: bounds hold, the ascent climbs, the norm is kept, the metric maximum is exact."""

import itertools
import math

import pytest
import torch

from fecbench_aml import MetricDiscriminator, PairDiscriminator, mine_hard_pairs
from fecbench_aml.certificate import (
    Target,
    attack_metric,
    attack_mlp,
    certify,
    metric_starts,
    mlp_starts,
    parameter_norm,
    worst_direction,
)
from fecbench_aml.mining import HardPairs


@pytest.fixture
def target():
    torch.manual_seed(0)
    labels = torch.arange(4).repeat(10)
    z = torch.nn.functional.normalize(torch.randn(40, 6) + 2 * torch.nn.functional.one_hot(labels, 6))
    pairs = mine_hard_pairs(z, labels, k_pos=5, k_neg=5)
    return Target(z, HardPairs(*(part[pairs.valid] for part in pairs)), 0.5)


def test_a_certificate_by_hand():
    found = certify(torch.tensor([math.log(9), 0.0, -math.log(9), 0.0]), torch.tensor([1.0, 1.0, 0.0, 0.0]), 0.5)
    eps = (-math.log(0.9) - math.log(0.5)) / 2
    assert found.loss == pytest.approx(eps)
    assert found.positive_score == pytest.approx((0.7, math.exp(-2 * eps)))
    assert found.negative_score == pytest.approx((0.3, 1 - math.exp(-2 * eps)))
    assert found.positive_tail == pytest.approx((0.0, 2 * eps / math.log(10)))
    assert found.violated == pytest.approx((0.5, eps / math.log(2)))


def test_every_bound_holds_under_every_attack(target):
    attacked = [attack_mlp(target, PairDiscriminator(6, 8), 5.0, 10), attack_metric(target, MetricDiscriminator(6), 10)]
    for discriminator in attacked:
        found = target.certificate(discriminator)
        assert found.positive_score[0] >= found.positive_score[1]
        for value, most in (found.negative_score, found.positive_tail, found.negative_tail, found.violated):
            assert value <= most + 1e-8


def test_the_ascent_climbs_and_keeps_the_norm(target):
    start = PairDiscriminator(6, 8)
    before = target.loss(start).item()
    found = attack_mlp(target, start, 4.0, 15)
    assert target.loss(found).item() > before + 0.1
    assert parameter_norm(found) <= 4.0 + 1e-4


def test_a_greater_norm_allows_a_greater_loss(target):
    losses = []
    for norm in (3.0, 12.0):
        torch.manual_seed(0)
        losses.append(
            target.worst(
                attack_mlp(target, start, norm, 20) for start in mlp_starts(None, PairDiscriminator(6, 8), norm, 2)
            ).loss
        )
    assert losses[0] < losses[1]


def test_the_exact_metric_maximum_is_above_attacks_and_random_weights(target):
    exact = worst_direction(target)
    attacked = target.worst(attack_metric(target, start, 60) for start in metric_starts(None, 6, 4))
    assert attacked.loss <= exact + 1e-6
    assert attacked.loss > 0.8 * exact
    for seed in range(20):
        torch.manual_seed(seed)
        drawn = MetricDiscriminator(6)
        torch.nn.init.normal_(drawn.preference, std=3)
        assert target.loss(drawn).item() <= exact + 1e-6


def test_starts(target):
    trained = PairDiscriminator(6, 8)
    first, *fresh = mlp_starts(trained, trained, 2.0, 3)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), trained.parameters(), strict=True))
    assert first is not trained
    assert [parameter_norm(one) for one in fresh] == pytest.approx([2.0, 2.0])
    even, *others = metric_starts(None, 6, 3)
    assert even.weights.tolist() == pytest.approx([1.0] * 6)
    assert all(not torch.allclose(a.weights, b.weights) for a, b in itertools.combinations([even, *others], 2))
