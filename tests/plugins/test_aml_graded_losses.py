"""The pair loss of graded targets: numbers by hand, the lemma, and the propositions on random scores."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import softplus

from fecbench_aml import aml_excess, aml_loss
from fecbench_aml.bounds import bernoulli_kl, kl_inverse, margin_bound, tail_bound
from fecbench_aml.certificate import certify
from fecbench_aml.losses import entropy, pair_losses

LOGITS = torch.tensor([2.0, -1.0, 0.5, 0.0], dtype=torch.float64)
TARGETS = torch.tensor([1.0, 0.0, 1 / 3, 1 / 2], dtype=torch.float64)
POSITIVE = torch.tensor([True, False, True, False])
SLACK = 1e-9


def test_the_losses_entropies_and_divergences_of_four_pairs():
    losses = pair_losses(LOGITS, TARGETS)
    assert losses.tolist() == pytest.approx([0.126928, 0.313262, 0.807410, 0.693147], abs=1e-6)
    assert entropy(TARGETS).tolist() == pytest.approx([0, 0, 0.636514, 0.693147], abs=1e-6)
    assert (losses - entropy(TARGETS)).tolist() == pytest.approx([0.126928, 0.313262, 0.170896, 0], abs=1e-6)
    for t, a, loss in zip(TARGETS, LOGITS, losses, strict=True):
        divergence = bernoulli_kl(t.item(), a.sigmoid().item())
        assert divergence == pytest.approx((loss - entropy(t)).item(), abs=1e-12)


@pytest.mark.parametrize(("w_pos", "expected"), [(0.5, 0.485187), (0.25, 0.494196)])
def test_the_loss_of_four_pairs(w_pos, expected):
    loss = aml_loss(LOGITS, TARGETS, positive=POSITIVE, w_pos=w_pos)
    assert loss.item() == pytest.approx(expected, abs=1e-6)
    floor = w_pos * 0.636514 / 2 + (1 - w_pos) * 0.693147 / 2
    excess = aml_excess(LOGITS, TARGETS, positive=POSITIVE, w_pos=w_pos)
    assert excess.item() == pytest.approx(expected - floor, abs=1e-6)


def of_before(logits, target, w_pos, valid):
    """The loss of hard pairs as it was computed before targets could be graded."""
    empty = ~valid
    positive = target > 0.5
    opposed = ((1 - 2 * target) * logits).masked_fill(empty, 0.0)
    positives = (positive & ~empty).sum(dtype=logits.dtype)
    negatives = (~empty).sum(dtype=logits.dtype) - positives
    weights = torch.where(positive, positives / w_pos, negatives / (1 - w_pos)).reciprocal().masked_fill(empty, 0.0)
    weights = weights / weights.sum().clamp(min=min(w_pos, 1 - w_pos) / 2)
    return (weights * softplus(opposed)).sum()


@given(st.integers(1, 200), st.floats(0.05, 0.95), st.integers(0, 9999), st.floats(0.1, 40))
@settings(deadline=None)
def test_hard_pairs_have_the_loss_and_gradient_of_before_bit_for_bit(pairs, w_pos, seed, scale):
    generator = torch.Generator().manual_seed(seed)
    logits = (scale * torch.randn(pairs, generator=generator)).requires_grad_()
    target = (torch.rand(pairs, generator=generator) < 0.4).float()
    valid = torch.rand(pairs, generator=generator) < 0.8
    ours = aml_loss(logits, target, positive=target > 0.5, w_pos=w_pos, valid=valid)
    theirs = of_before(logits, target, w_pos, valid)
    assert torch.equal(ours, theirs)
    assert torch.equal(*(torch.autograd.grad(loss, logits)[0] for loss in (ours, theirs)))
    excess = aml_excess(logits, target, positive=target > 0.5, w_pos=w_pos, valid=valid)
    assert torch.equal(excess, ours)


@given(st.floats(-15, 15), st.floats(0, 1))
@settings(deadline=None, max_examples=300)
def test_a_pairs_loss_is_a_logistic_loss_of_its_margin_and_more_for_ambiguity(a, t):
    """Lemma 1', with F2 and F3: the floor is the entropy, and flipping the target flips the logit."""
    logit = torch.tensor(a, dtype=torch.float64, requires_grad=True)
    target = torch.tensor(t, dtype=torch.float64)
    loss = pair_losses(logit, target)
    margin, ambiguity = (a if t >= 0.5 else -a), min(t, 1 - t)
    assert loss.item() == pytest.approx(math.log1p(math.exp(-margin)) + ambiguity * margin, abs=SLACK)
    assert loss.item() >= entropy(target).item() - SLACK
    assert loss.item() == pytest.approx(pair_losses(-logit, 1 - target).item(), abs=SLACK)
    (slope,) = torch.autograd.grad(loss, logit)
    assert slope.item() == pytest.approx(torch.tensor(a, dtype=torch.float64).sigmoid().item() - t, abs=SLACK)


def test_the_divergence_has_an_inverse_on_either_side():
    assert kl_inverse(0.5, 0.1) == pytest.approx((0.287121, 0.712879), abs=1e-6)
    pinsker = math.sqrt(0.1 / 2)
    assert (0.5 - pinsker, 0.5 + pinsker) == pytest.approx((0.276393, 0.723607), abs=1e-6)
    assert kl_inverse(1.0, 0.7) == (math.exp(-0.7), 1.0)
    assert kl_inverse(0.0, 0.7) == (0.0, 1 - math.exp(-0.7))
    assert kl_inverse(0.3, math.inf) == (0.0, 1.0)


@given(st.floats(0, 1), st.floats(1e-6, 10))
@settings(deadline=None)
def test_the_inverse_is_the_edge_of_the_scores_within_a_divergence(t, c):
    least, greatest = kl_inverse(t, c)
    assert 0 <= least <= t <= greatest <= 1
    assert t - least <= math.sqrt(c / 2) + SLACK  # Pinsker's is looser
    assert greatest - t <= math.sqrt(c / 2) + SLACK
    for edge in (least, greatest):
        if 0 < edge < 1:
            assert bernoulli_kl(t, math.nextafter(edge, t)) <= c <= bernoulli_kl(t, edge) + SLACK


@pytest.mark.parametrize(("target", "divergence"), [(0.5, -1.0), (0.5, math.nan), (math.nan, 1.0), (1.5, 1.0)])
def test_the_inverse_refuses_what_has_none(target, divergence):
    with pytest.raises(ValueError, match="divergence must be 0 or more and target between 0 and 1"):
        kl_inverse(target, divergence)


PAIRS = st.lists(st.tuples(st.floats(-12, 12), st.floats(0, 1)), min_size=1, max_size=20)


def expectation(values):
    values = list(values)
    return sum(values) / len(values)


def score(a):
    return 1 / (1 + math.exp(-a))


def kl(a, t):
    """KL(t || sigmoid(a))."""
    logit, target = torch.tensor(a, dtype=torch.float64), torch.tensor(t, dtype=torch.float64)
    return (pair_losses(logit, target) - entropy(target)).item()


def of_both(positive, negative, w_pos, function):
    """Loss or excess of pairs (a, t) of both kinds."""
    a, t = (torch.tensor(part, dtype=torch.float64) for part in zip(*positive, *negative, strict=True))
    return function(a, t, positive=torch.arange(len(a)) < len(positive), w_pos=w_pos).item()


@pytest.mark.slow
@given(PAIRS, PAIRS, st.floats(0.05, 0.95), st.floats(0.01, 0.99), st.floats(0.01, 1))
@settings(max_examples=400, deadline=None)
def test_proposition_1_for_graded_targets(positive, negative, w_pos, delta, eta):
    eps, excess = (of_both(positive, negative, w_pos, function) for function in (aml_loss, aml_excess))
    assert excess >= -SLACK
    assert eps >= excess - SLACK
    excess = max(0.0, excess)
    for pairs, weight in ((positive, w_pos), (negative, 1 - w_pos)):
        c = excess / weight
        mean_target, mean_score = expectation(t for _, t in pairs), expectation(score(a) for a, _ in pairs)
        assert expectation(kl(a, t) for a, t in pairs) <= c + SLACK  # (0)
        assert bernoulli_kl(mean_target, mean_score) <= c + SLACK  # (1)
        least, greatest = kl_inverse(mean_target, c)
        assert least - 1e-7 <= mean_score <= greatest + 1e-7
        assert expectation(abs(score(a) - t) for a, t in pairs) <= math.sqrt(c / 2) + 1e-7  # (2)
        assert expectation(abs(score(a) - t) >= eta for a, t in pairs) <= c / (2 * eta**2) + SLACK  # (4)
    t0, t1 = min(t for _, t in positive), max(t for _, t in negative)  # (3)
    assert expectation(score(a) <= delta for a, _ in positive) <= tail_bound(t0, excess, w_pos, delta) + SLACK
    tail = expectation(1 - score(a) <= delta for a, _ in negative)
    assert tail <= tail_bound(1 - t1, excess, 1 - w_pos, delta) + SLACK


def margin_of(a, t):
    return a if t >= 0.5 else -a


@pytest.mark.slow
@given(PAIRS, PAIRS, st.floats(0.05, 0.95), st.floats(0, 5))
@settings(max_examples=400, deadline=None)
def test_proposition_2_and_corollary_1_for_graded_targets(positive, negative, w_pos, m):
    eps, excess = (of_both(positive, negative, w_pos, function) for function in (aml_loss, aml_excess))
    sided = [t for _, t in (*positive, *negative) if t != 0.5]
    ambiguity = max((min(t, 1 - t) for t in sided), default=0.0)
    violated = w_pos * expectation(t != 0.5 and margin_of(a, t) <= m for a, t in positive) + (1 - w_pos) * expectation(
        t != 0.5 and margin_of(a, t) <= m for a, t in negative
    )
    assert violated <= margin_bound(eps, max(0.0, excess), ambiguity, m) + 1e-7
    margins = [margin_of(a, t) for a, t in (*positive, *negative)]
    if min(margins) >= 0:  # (A)
        mean_ambiguity = w_pos * expectation(min(t, 1 - t) for _, t in positive) + (1 - w_pos) * expectation(
            min(t, 1 - t) for _, t in negative
        )
        assert eps <= math.log1p(math.exp(-min(margins))) + max(margins) * mean_ambiguity + SLACK


@given(st.floats(0.001, 0.999), st.floats(-5, 5))
@settings(deadline=None)
def test_a_logit_near_that_of_its_target_costs_at_most_the_square_of_the_distance(t, distance):
    assert kl(math.log(t / (1 - t)) + distance, t) <= distance**2 / 8 + SLACK


def test_a_hard_certificate_has_the_papers_bounds_bit_for_bit():
    torch.manual_seed(0)
    logits, target, w_pos = torch.randn(50), (torch.arange(50) < 20).float(), 0.3
    found, eps = certify(logits, target, w_pos), aml_loss(logits.double(), target, w_pos=w_pos).item()
    assert found.loss == eps
    assert found.floor == 0
    assert found.positive_score[1] == math.exp(-eps / w_pos)
    assert found.negative_score[1] == 1 - math.exp(-eps / (1 - w_pos))
    assert found.positive_tail[1] == eps / (w_pos * -math.log(0.1))
    assert found.negative_tail[1] == eps / ((1 - w_pos) * -math.log(0.1))
    assert found.violated[1] == eps / math.log(2)
    positive, negative = logits.double()[:20], logits.double()[20:]
    share = w_pos * (positive <= 0).double().mean() + (1 - w_pos) * (negative >= 0).double().mean()
    assert found.violated[0] == share.item()


def test_a_graded_certificate_by_hand():
    found = certify(LOGITS, TARGETS, 0.5, POSITIVE)
    excess = (0.126928 + 0.170896) / 4 + 0.313262 / 4
    assert found.loss == pytest.approx(0.485187, abs=1e-6)
    assert found.loss - found.floor == pytest.approx(excess, abs=1e-6)
    assert found.positive_score == pytest.approx(
        ((score(2) + score(0.5)) / 2, kl_inverse(2 / 3, 2 * excess)[0]), abs=1e-5
    )
    assert found.negative_score == pytest.approx(((score(-1) + 0.5) / 2, kl_inverse(0.25, 2 * excess)[1]), abs=1e-5)
    assert found.positive_tail == pytest.approx((0, 2 * excess / bernoulli_kl(1 / 3, 0.1)), abs=1e-5)
    assert found.negative_tail == pytest.approx((0, 2 * excess / bernoulli_kl(0.5, 0.1)), abs=1e-5)
    # Of the pairs with a side, only the one of target 1/3 has its score on the wrong one.
    assert found.violated == pytest.approx((0.25, min(0.485187 / math.log(2), excess / bernoulli_kl(2 / 3, 0.5))))
    assert found.positive_error == pytest.approx(((1 - score(2) + score(0.5) - 1 / 3) / 2, math.sqrt(excess)), abs=1e-5)
    assert found.negative_error == pytest.approx((score(-1) / 2, math.sqrt(excess)), abs=1e-5)


@pytest.mark.parametrize("target", [0.1, 0.9])
def test_a_target_next_to_the_edge_of_a_tail_bounds_nothing(target):
    edge = 0.1 if target < 0.5 else 0.9
    rounded = torch.tensor(target, dtype=torch.float32).item()  # as overlaps are: 0.1 + 1.5e-9
    assert bernoulli_kl(rounded, edge) > 0
    assert tail_bound(min(rounded, 1 - rounded), excess=0.3, weight=0.5, delta=0.1) >= 1
