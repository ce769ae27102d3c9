"""Likelihood and decisions of both labellings against torch's losses and formulas."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy, one_hot

from fecbench.objective.imbalanced_losses import asymmetric_nll, focal_nll
from fecbench.objective.labelling import adjust_logits, decide, nll, nll_floor, probabilities, smooth_targets
from fecbench.training import logits as of_single

SEEDS = st.integers(0, 9999)


def batch(seed, classes=5, rows=7, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(rows, classes, generator=generator, dtype=torch.float64)
    labels = torch.randint(classes, (rows,), generator=generator)
    shares = torch.rand(rows, classes, generator=generator, dtype=torch.float64)
    return logits.to(dtype), labels, shares


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_single_labels_keep_the_cross_entropy_bit_for_bit(dtype):
    logits, labels, _ = batch(0, dtype=dtype)
    logits.requires_grad_()
    ours, theirs = nll(logits, labels, "single"), cross_entropy(logits.float(), labels)
    assert torch.equal(ours, theirs)
    assert torch.equal(*(torch.autograd.grad(loss, logits)[0] for loss in (ours, theirs)))
    assert torch.equal(nll(logits, labels, "single", "none"), cross_entropy(logits.float(), labels, reduction="none"))


@given(SEEDS)
@settings(deadline=None)
def test_the_likelihood_is_that_of_the_formula(seed):
    logits, labels, shares = batch(seed)
    distribution = shares / shares.sum(1, keepdim=True)
    single = -(distribution * logits.log_softmax(1)).sum(1)
    torch.testing.assert_close(nll(logits, distribution, "single", "none"), single)
    torch.testing.assert_close(nll(logits, distribution, "single"), single.mean())
    torch.testing.assert_close(nll(logits, one_hot(labels, 5).double(), "single"), nll(logits, labels, "single"))
    p = logits.sigmoid()
    multi = -(shares * p.log() + (1 - shares) * (1 - p).log()).sum(1)
    torch.testing.assert_close(nll(logits, shares, "multi", "none"), multi)
    torch.testing.assert_close(nll(logits, shares, "multi"), multi.mean())


def test_zero_logits_cost_a_bit_a_label():
    """28 labels: 19.4 nats, not the mean over labels of 0.69."""
    targets = torch.zeros(3, 28)
    assert nll(torch.zeros(3, 28), targets, "multi").item() == pytest.approx(28 * math.log(2), abs=1e-5)
    assert nll(torch.zeros(3, 28, dtype=torch.bfloat16), targets, "multi").dtype == torch.float32


@given(SEEDS)
@settings(deadline=None)
def test_no_logits_cost_less_than_the_entropy_of_their_targets(seed):
    logits, labels, shares = batch(seed)
    distribution = shares / shares.sum(1, keepdim=True)
    for targets, labelling in ((distribution, "single"), (shares, "multi")):
        floor = nll_floor(targets, labelling)
        assert nll(logits, targets, labelling) >= floor - 1e-9
        best = targets.log() if labelling == "single" else targets.logit()
        torch.testing.assert_close(nll(best, targets, labelling), floor)
    assert nll_floor(one_hot(labels, 5).double(), "single") == nll_floor(one_hot(labels, 5).double(), "multi") == 0


def test_the_floor_of_soft_targets_by_hand():
    q = torch.tensor([[2 / 3, 1 / 3, 0.0], [1 / 3, 0.0, 1 / 3]])
    assert nll_floor(q, "multi").item() == pytest.approx(1.273028, abs=1e-6)


def test_probabilities_and_decisions_of_single_labels_are_todays():
    logits, _, _ = batch(1)
    logits[2] = -torch.inf
    p = probabilities(logits, "single")
    assert torch.equal(p, of_single.probabilities(logits))
    assert torch.equal(decide(p, "single"), of_single.answers(logits))


def test_a_text_is_given_the_labels_that_reach_their_thresholds():
    p = torch.tensor([[0.5, 0.2, 0.1], [0.4, 0.29, 0.3], [0.1, 0.05, 0.0], [0.0, 0.0, 0.0]])
    thresholds = torch.tensor([0.5, 0.2, 0.3])
    expected = torch.tensor([[1, 1, 0], [0, 1, 1], [0, 0, 0], [0, 0, 0]], dtype=torch.bool)
    assert torch.equal(decide(p, "multi", thresholds), expected)
    assert decide(p, "multi").nonzero().tolist() == [[0, 0]]
    expected[2, 0] = True  # its most probable label; a text without an answer stays without
    assert torch.equal(decide(p, "multi", thresholds, at_least_one=True), expected)
    assert not decide(p, "multi", 0.0)[3].any()


def test_no_answer_has_no_probability_of_any_label():
    logits = torch.tensor([[0.0, -torch.inf], [-torch.inf, -torch.inf]])
    assert probabilities(logits, "multi").tolist() == [[0.5, 0.0], [0.0, 0.0]]


def test_smoothing_mixes_in_ignorance():
    q = torch.tensor([[1.0, 0.0, 0.0, 0.0]])
    torch.testing.assert_close(smooth_targets(q, 0.2, "single"), torch.tensor([[0.85, 0.05, 0.05, 0.05]]))
    torch.testing.assert_close(smooth_targets(q, 0.2, "multi"), torch.tensor([[0.9, 0.1, 0.1, 0.1]]))
    logits, labels, _ = batch(2)
    smoothed = smooth_targets(one_hot(labels, 5).double(), 0.1, "single")
    torch.testing.assert_close(nll(logits, smoothed, "single"), cross_entropy(logits, labels, label_smoothing=0.1))


def test_adjusted_logits_leave_a_model_of_zeros_at_the_base_rates():
    prior = torch.tensor([0.1, 0.3, 0.6])
    zeros = torch.zeros(1, 3)
    torch.testing.assert_close(probabilities(adjust_logits(zeros, prior, "multi"), "multi")[0], prior)
    torch.testing.assert_close(probabilities(adjust_logits(zeros, prior, "single"), "single")[0], prior)
    assert torch.equal(adjust_logits(zeros, prior, "multi", tau=0.0), zeros)


@given(SEEDS, st.sampled_from([0.5, 1.0, 2.0]))
@settings(deadline=None)
def test_the_focal_loss_is_that_of_the_formula(seed, gamma):
    logits, labels, shares = batch(seed)
    p = logits.softmax(1)[torch.arange(7), labels]
    torch.testing.assert_close(focal_nll(logits, labels, "single", gamma, "none"), -((1 - p) ** gamma) * p.log())
    p = logits.sigmoid()
    terms = shares * (1 - p) ** gamma * p.log() + (1 - shares) * p**gamma * (1 - p).log()
    torch.testing.assert_close(focal_nll(logits, shares, "multi", gamma, "none"), -terms.sum(1))
    torch.testing.assert_close(focal_nll(logits, shares, "multi", gamma), -terms.sum(1).mean())


@given(SEEDS, st.sampled_from([0.0, 1.0, 2.0]), st.sampled_from([0.0, 1.0, 4.0]), st.sampled_from([0.0, 0.05, 0.3]))
@settings(deadline=None)
def test_the_asymmetric_loss_is_that_of_the_formula(seed, gamma_pos, gamma_neg, clip):
    logits, _, shares = batch(seed)
    targets, p = shares.round(), logits.sigmoid()
    shifted = (p - clip).clamp(min=0)
    terms = targets * (1 - p) ** gamma_pos * p.log() + (1 - targets) * shifted**gamma_neg * (1 - shifted).log()
    found = asymmetric_nll(logits, targets, gamma_pos, gamma_neg, clip, "none")
    torch.testing.assert_close(found, -terms.sum(1))
    torch.testing.assert_close(asymmetric_nll(logits, targets, gamma_pos, gamma_neg, clip), -terms.sum(1).mean())


def test_without_focus_both_are_the_likelihood():
    logits, labels, shares = batch(3, dtype=torch.float32)
    assert torch.equal(focal_nll(logits, labels, "single", 0.0), nll(logits, labels, "single"))
    torch.testing.assert_close(
        asymmetric_nll(logits, shares, gamma_neg=0.0, clip=0.0), nll(logits, shares, "multi"), check_dtype=False
    )


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("value", [300.0, -300.0])
def test_certain_rows_have_finite_losses_and_gradients(gamma, value):
    logits = torch.full((1, 2), value, requires_grad=True)
    for loss in (
        focal_nll(logits * torch.tensor([1.0, -1.0]), torch.tensor([0]), "single", gamma),
        focal_nll(logits, torch.tensor([[1.0, 0.0]]), "multi", gamma),
        asymmetric_nll(logits, torch.tensor([[1.0, 0.0]]), gamma, gamma, 0.05),
        asymmetric_nll(logits, torch.tensor([[1.0, 0.0]]), gamma, gamma, 0.0),
    ):
        assert torch.isfinite(loss)
        assert torch.isfinite(torch.autograd.grad(loss, logits)[0]).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nll(torch.zeros(1, 2), torch.zeros(1, 2), "several"), "labelling must be 'single' or 'multi'"),
        (lambda: nll(torch.zeros(1, 2), torch.zeros(1, 2), "multi", "sum"), "reduction must be"),
        (lambda: probabilities(torch.zeros(1, 2), ""), "labelling must be"),
        (lambda: smooth_targets(torch.zeros(1, 2), 1.5, "multi"), "share must be between 0 and 1"),
        (lambda: focal_nll(torch.zeros(1, 2), torch.zeros(1, 2), "multi", -1.0), "gamma must be 0 or more"),
        (lambda: asymmetric_nll(torch.zeros(1, 2), torch.zeros(1, 2), clip=1.0), "clip at least 0"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
