"""The pair loss against a slow loop, and the paper's propositions on random scores."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fecbench_aml import aml_loss


def slow_loss(logits, target, w_pos, valid):
    positives = [-math.log(1 / (1 + math.exp(-a))) for a, t, v in zip(logits, target, valid, strict=True) if v and t]
    negatives = [
        -math.log(1 - 1 / (1 + math.exp(-a))) for a, t, v in zip(logits, target, valid, strict=True) if v and not t
    ]
    means = [(w, sum(kind) / len(kind)) for w, kind in ((w_pos, positives), (1 - w_pos, negatives)) if kind]
    return sum(w * mean for w, mean in means) / sum(w for w, _ in means) if means else 0.0


@given(
    st.lists(st.tuples(st.floats(-15, 15), st.booleans(), st.booleans()), min_size=1, max_size=12),
    st.floats(0.05, 0.95),
)
@settings(deadline=None)
def test_loss_against_a_slow_loop(rows, w_pos):
    logits, target, valid = zip(*rows, strict=True)
    a = torch.tensor(logits, dtype=torch.float64, requires_grad=True)
    loss = aml_loss(a, torch.tensor(target, dtype=torch.float64), w_pos=w_pos, valid=torch.tensor(valid))
    assert loss.item() == pytest.approx(slow_loss(logits, target, w_pos, valid), abs=1e-9)
    (gradient,) = torch.autograd.grad(loss, a)
    assert torch.isfinite(gradient).all()
    assert (gradient[~torch.tensor(valid)] == 0).all()


@pytest.mark.parametrize("value", [300.0, -300.0, math.inf])
def test_loss_is_stable_for_any_logit_and_ignores_empty_slots(value):
    logits = torch.tensor([value, -value, 1.0], requires_grad=True)
    target = torch.tensor([1.0, 0.0, 1.0])
    loss = aml_loss(logits, target, valid=torch.tensor([abs(value) <= 300, abs(value) <= 300, True]))
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()


def test_a_kind_without_pairs_drops_out_and_none_gives_zero_on_the_graph():
    logits = torch.tensor([0.5, 2.0], requires_grad=True)
    only_positive = aml_loss(logits, torch.ones(2), w_pos=0.1)
    assert only_positive.item() == pytest.approx(
        (math.log1p(math.exp(-0.5)) + math.log1p(math.exp(-2.0))) / 2, abs=1e-6
    )
    none = aml_loss(logits, torch.ones(2), valid=torch.zeros(2, dtype=torch.bool))
    assert none.item() == 0
    (gradient,) = torch.autograd.grad(none, logits)
    assert gradient.tolist() == [0, 0]


@pytest.mark.parametrize("w_pos", [0.0, 1.0, -0.1, 2.0, float("nan")])
def test_loss_refuses_other_weights(w_pos):
    with pytest.raises(ValueError, match="w_pos must lie between 0 and 1"):
        aml_loss(torch.zeros(1), torch.ones(1), w_pos=w_pos)


def test_precision_of_the_loss():
    for dtype, expected in (
        (torch.bfloat16, torch.float32),
        (torch.float16, torch.float32),
        (torch.float64, torch.float64),
    ):
        assert aml_loss(torch.zeros(2, dtype=dtype), torch.tensor([1.0, 0.0])).dtype == expected


SLACK = 1e-8
LOGITS = st.lists(st.floats(-12, 12), min_size=1, max_size=30)


def eps_of(positive, negative, w_pos):
    logits = torch.tensor([*positive, *negative], dtype=torch.float64)
    target = torch.tensor([1.0] * len(positive) + [0.0] * len(negative), dtype=torch.float64)
    return aml_loss(logits, target, w_pos=w_pos).item()


def score(logit):
    return 1 / (1 + math.exp(-logit))


def share(values):
    values = list(values)
    return sum(values) / len(values)


@given(LOGITS, LOGITS, st.floats(0.05, 0.95), st.floats(0.01, 0.99), st.floats(-3, 5))
@settings(max_examples=300, deadline=None)
def test_mean_scores_tails_and_margins(positive, negative, w_pos, delta, m):
    eps, w_neg = eps_of(positive, negative, w_pos), 1 - w_pos
    assert share(map(score, positive)) >= math.exp(-eps / w_pos) - SLACK
    assert share(map(score, negative)) <= 1 - math.exp(-eps / w_neg) + SLACK
    assert share(score(a) <= delta for a in positive) <= eps / (w_pos * -math.log(delta)) + SLACK
    assert share(score(a) >= 1 - delta for a in negative) <= eps / (w_neg * -math.log(delta)) + SLACK
    mixture = w_pos * share(a <= m for a in positive) + w_neg * share(-a <= m for a in negative)
    assert mixture <= eps / math.log1p(math.exp(-m)) + SLACK


@given(LOGITS, LOGITS, st.floats(0.05, 0.95))
@settings(deadline=None)
def test_large_margins_make_a_small_loss(positive, negative, w_pos):
    m = min([*positive, *(-a for a in negative)])
    assert eps_of(positive, negative, w_pos) <= math.log1p(math.exp(-m)) + SLACK


def test_the_pooled_fraction_breaks_the_bound_that_the_mixture_keeps():
    """One easy positive of weight .9, nine undecided negatives of .1 together: nine of ten pairs have a margin <= 0."""
    positive, negative, w_pos, m = [9.0], [0.0] * 9, 0.9, 0.0
    bound = eps_of(positive, negative, w_pos) / math.log1p(math.exp(-m))
    mixture = w_pos * share(a <= m for a in positive) + (1 - w_pos) * share(-a <= m for a in negative)
    pooled = share([a <= m for a in positive] + [-a <= m for a in negative])
    assert mixture <= bound + SLACK < pooled
