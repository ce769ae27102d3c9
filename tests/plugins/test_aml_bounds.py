"""What the paper's propositions promise of any discriminator and any pairs, as the card states it, on random scores in float64."""

import math

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fecbench_aml import aml_loss

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
    """One easy positive that weighs .9, nine undecided negatives that weigh .1 together: nine pairs of ten have a margin <= 0."""
    positive, negative, w_pos, m = [9.0], [0.0] * 9, 0.9, 0.0
    bound = eps_of(positive, negative, w_pos) / math.log1p(math.exp(-m))
    mixture = w_pos * share(a <= m for a in positive) + (1 - w_pos) * share(-a <= m for a in negative)
    pooled = share([a <= m for a in positive] + [-a <= m for a in negative])
    assert mixture <= bound + SLACK < pooled
