"""Contrastive losses of overlapping labels against slow loops; of one-hot labels they are the methods' losses."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import log_softmax, logsigmoid, one_hot

from fecbench.objective.contrastive import (
    anchor_losses,
    clustered_contrastive_loss,
    graded_clustered_contrastive_loss,
    similarities,
)
from fecbench.objective.overlap import background_pairs, overlap
from fecbench_lcl import label_aware_contrastive_loss
from fecbench_lcl.losses import graded_label_aware_contrastive_loss
from fecbench_rdrop.losses import symmetric_bernoulli_kl, symmetric_kl
from fecbench_sacl import nt_xent_loss
from fecbench_sacl.losses import graded_nt_xent_loss
from fecbench_supcon import supcon_loss

Z = torch.tensor([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0], [0.6, 0.8]], dtype=torch.float64)
SETS = torch.tensor([[1, 1, 0, 0], [0, 1, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
SEEDS = st.integers(0, 9999)
LABELS = [[0, 0, 1, 1, 1, 2, 0], [0, 0, 1, 2, 2, 2, 2], [0, 1, 2, 3, 4, 5, 6], [3] * 7]


def batch(seed, rows=7, width=5, classes=4):
    """Random features with gradient, label sets and their overlaps."""
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(rows, width, generator=generator, dtype=torch.float64).requires_grad_()
    q = (torch.rand(rows, classes, generator=generator) < 0.4).double()
    return features, q, overlap(q)


def assert_same(ours, theirs, inputs, tolerance=1e-9):
    assert ours.item() == pytest.approx(theirs.item(), abs=tolerance)
    gradients = (torch.autograd.grad(loss, inputs, retain_graph=True) for loss in (ours, theirs))
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=tolerance, atol=tolerance)


def others(i, rows, left_out=None):
    return [j for j in range(rows) if j != i and (left_out is None or not left_out[i, j])]


def test_the_losses_of_four_texts():
    similarity = similarities(Z, 0.5)
    candidate = ~torch.eye(4, dtype=torch.bool)
    losses = anchor_losses(similarity, overlap(SETS.double()) * candidate, candidate)
    assert losses.tolist() == pytest.approx([1.587123, 1.354304, 1.627123, 0], abs=1e-6)
    assert supcon_loss(Z, overlap(SETS), temperature=0.5).item() == pytest.approx(losses.mean().item(), abs=1e-6)
    skipping = supcon_loss(Z, overlap(SETS), temperature=0.5, empty_anchor="skip")
    assert skipping.item() == pytest.approx(losses.sum().item() / 3, abs=1e-6)


def slow_supcon(features, w, temperature, divide_by="overlap"):
    z = [row / row.norm() for row in features]
    losses = []
    for i in range(len(z)):
        weights = [w[i, j] for j in others(i, len(z))]
        total = sum(weights)
        if total > 0:
            divisor = total if divide_by == "overlap" else sum(weight > 0 for weight in weights)
            normaliser = sum((z[i] @ z[k] / temperature).exp() for k in others(i, len(z))).log()
            parts = [w[i, j] * (normaliser - z[i] @ z[j] / temperature) for j in others(i, len(z))]
            losses.append(sum(parts) / divisor)
        else:
            losses.append(features.sum() * 0)
    return sum(losses) / len(losses)


@given(SEEDS)
@settings(deadline=None, max_examples=25)
def test_supcon_with_overlaps_is_a_loop_and_no_less_than_its_floor(seed):
    features, _, t = batch(seed)
    loss = supcon_loss(features, t, temperature=0.3)
    assert_same(loss, slow_supcon(features, t, 0.3), [features])
    weights = t.clone().fill_diagonal_(0)
    floor = torch.special.entr(weights / weights.sum(1, keepdim=True).clamp(min=1e-9)).sum(1).mean()
    assert loss.item() >= floor.item() - 1e-9


@given(SEEDS)
@settings(deadline=None, max_examples=25)
def test_supcon_divided_by_the_number_of_positives_is_a_loop(seed):
    features, _, t = batch(seed)
    loss = supcon_loss(features, t, temperature=0.3, divide_by="count")
    assert_same(loss, slow_supcon(features, t, 0.3, "count"), [features])
    assert loss <= supcon_loss(features, t, temperature=0.3)


def test_another_divisor_is_refused():
    with pytest.raises(ValueError, match="divide_by must be 'overlap' or 'count', found 'sum'"):
        supcon_loss(Z, overlap(SETS), temperature=0.5, divide_by="sum")


@pytest.mark.parametrize("options", [{}, {"empty_anchor": "skip"}, {"base_temperature": 0.07}, {"divide_by": "count"}])
@pytest.mark.parametrize("labels", LABELS)
def test_supcon_of_one_hot_overlaps_is_that_of_labels(labels, options):
    features, y = batch(0)[0], torch.tensor(labels)
    graded = supcon_loss(features, overlap(one_hot(y, 7)), temperature=0.3, **options)
    assert_same(graded, supcon_loss(features, y, temperature=0.3, **options), [features])


def test_supcon_with_one_view_as_anchors():
    features, y = batch(1, rows=8)[0], torch.tensor([0, 1, 2, 0] * 2)
    options = {"temperature": 0.5, "contrast_mode": "one"}
    assert_same(supcon_loss(features, overlap(one_hot(y)), **options), supcon_loss(features, y, **options), [features])


def test_pairs_that_are_left_out_of_supcon_are_in_no_denominator():
    features = batch(2, rows=5)[0]
    q = torch.tensor([[1.0, 0, 0, 1], [1, 1, 0, 1], [0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 0, 1]], dtype=torch.float64)
    neutral = torch.tensor([False, False, False, True])
    apart = background_pairs(q, neutral)
    t = overlap(q, background=neutral)
    similarity = similarities(features, 0.3)
    candidate = ~torch.eye(5, dtype=torch.bool) & ~apart
    expected = anchor_losses(similarity, t * candidate, candidate).mean()
    assert_same(supcon_loss(features, t, temperature=0.3, left_out=apart), expected, [features])
    assert supcon_loss(features, t, temperature=0.3) > supcon_loss(features, t, temperature=0.3, left_out=apart)


@pytest.mark.parametrize("labels", LABELS)
def test_anchor_losses_of_a_mask_are_those_of_its_weights(labels):
    features, y = batch(3)[0], torch.tensor(labels)
    candidate = ~torch.eye(7, dtype=torch.bool)
    positive = (y[:, None] == y) & candidate
    similarity = similarities(features, 0.3)
    log_weights = torch.randn(7, 7, dtype=torch.float64)
    losses = [anchor_losses(similarity, mask, candidate, log_weights).sum() for mask in (positive.double(), positive)]
    assert_same(*losses, [features])


def slow_nt_xent(features, t, temperature, left_out=None):
    z, rows = [row / row.norm() for row in features], len(features)
    total = weight = features.sum() * 0
    for i in range(rows):
        negatives = sum((1 - t[i, n]) * (z[i] @ z[n] / temperature).exp() for n in others(i, rows, left_out))
        for p in others(i, rows, left_out):
            if negatives > 0:
                own = (z[i] @ z[p] / temperature).exp()
                total = total - t[i, p] * (own / (own + negatives)).log()
                weight = weight + t[i, p]
    return total / weight if weight > 0 else total


@given(SEEDS)
@settings(deadline=None, max_examples=25)
def test_nt_xent_with_overlaps_is_a_loop(seed):
    features, _, t = batch(seed)
    assert_same(graded_nt_xent_loss(features, t, temperature=0.3), slow_nt_xent(features, t, 0.3), [features])


@pytest.mark.parametrize("labels", LABELS)
def test_nt_xent_of_one_hot_overlaps_is_that_of_labels(labels):
    features, y = batch(4)[0], torch.tensor(labels)
    graded = graded_nt_xent_loss(features, overlap(one_hot(y, 7)), temperature=0.3)
    assert_same(graded, nt_xent_loss(features, y, temperature=0.3), [features])


def slow_clustered(features, t, clusters, temperature, base_temperature, left_out=None):
    z, rows = [row / row.norm() for row in features], len(features)
    total = features.sum() * 0
    for i in range(rows):
        positive = {j: t[i, j] for j in others(i, rows, left_out) if clusters[i] != clusters[j]}
        negative = {j: 1 - t[i, j] for j in others(i, rows, left_out) if clusters[i] == clusters[j]}
        weight = sum(positive.values())
        if weight > 0:
            mass = sum(w * (z[i] @ z[k] / temperature).exp() for k, w in (positive | negative).items())
            total = total + mass.log() - sum(w * (z[i] @ z[j]) for j, w in positive.items()) / temperature / weight
    return temperature / base_temperature * total / rows


@given(SEEDS)
@settings(deadline=None, max_examples=25)
def test_clustered_contrast_with_overlaps_is_a_loop(seed):
    features, _, t = batch(seed)
    clusters = torch.randint(3, (7,), generator=torch.Generator().manual_seed(seed))
    loss = graded_clustered_contrastive_loss(features, t, clusters, temperature=0.3, base_temperature=0.1)
    assert_same(loss, slow_clustered(features, t, clusters, 0.3, 0.1), [features])


@pytest.mark.parametrize("clusters", [[0, 1, 1, 0, 2, 2, 1], [0] * 7, list(range(7))])
@pytest.mark.parametrize("labels", LABELS)
def test_clustered_contrast_of_one_hot_overlaps_is_that_of_labels(labels, clusters):
    features, y, groups = batch(5)[0], torch.tensor(labels), torch.tensor(clusters)
    graded = graded_clustered_contrastive_loss(features, overlap(one_hot(y, 7)), groups)
    assert_same(graded, clustered_contrastive_loss(features, y, groups), [features])


def slow_lcl(features, q, t, log_p, temperature, left_out=None):
    z, rows = [row / row.norm() for row in features], len(features)
    shares = torch.stack([row / row.sum() if row.sum() > 0 else torch.full_like(row, 1 / len(row)) for row in q])
    losses = []
    for i in range(rows):
        weight = [(shares[k] * log_p[i].exp()).sum() for k in range(rows)]
        total = sum(t[i, j] for j in others(i, rows, left_out))
        if total > 0:
            mass = sum(weight[k] * (z[i] @ z[k] / temperature).exp() for k in others(i, rows, left_out))
            attraction = sum(t[i, j] * (z[i] @ z[j]) for j in others(i, rows, left_out)) / temperature / total
            losses.append(weight[i] * (mass.log() - attraction))
    return sum(losses) / rows if losses else (features.sum() + log_p.sum()) * 0


@given(SEEDS)
@settings(deadline=None, max_examples=25)
def test_label_aware_contrast_with_overlaps_is_a_loop(seed):
    features, q, t = batch(seed)
    helper = torch.randn(7, 4, dtype=torch.float64).requires_grad_()
    loss = graded_label_aware_contrastive_loss(features, q, t, logsigmoid(helper), temperature=0.3)
    assert_same(loss, slow_lcl(features, q, t, logsigmoid(helper), 0.3), [features, helper])
    detached = graded_label_aware_contrastive_loss(
        features, q, t, logsigmoid(helper), temperature=0.3, detach_weights=True
    )
    assert detached.item() == loss.item()
    assert torch.autograd.grad(detached, helper, allow_unused=True) == (None,)


@pytest.mark.parametrize("empty_anchor", ["zero", "skip"])
@pytest.mark.parametrize("labels", LABELS)
def test_label_aware_contrast_of_one_hot_overlaps_is_that_of_labels(labels, empty_anchor):
    features, y = batch(6)[0], torch.tensor(labels)
    helper, q = torch.randn(7, 7, dtype=torch.float64).requires_grad_(), one_hot(y, 7)
    options = {"temperature": 0.3, "empty_anchor": empty_anchor}
    graded = graded_label_aware_contrastive_loss(features, q, overlap(q), log_softmax(helper, 1), **options)
    assert_same(graded, label_aware_contrastive_loss(features, y, helper, **options), [features, helper])


@given(SEEDS)
@settings(deadline=None, max_examples=25)
def test_pairs_that_are_left_out_are_neither_positives_nor_negatives(seed):
    features, q, t = batch(seed)
    generator = torch.Generator().manual_seed(seed)
    left_out = torch.rand(7, 7, generator=generator) < 0.3
    left_out, clusters = left_out | left_out.T, torch.randint(3, (7,), generator=generator)
    log_p = logsigmoid(torch.randn(7, 4, generator=generator, dtype=torch.float64))
    losses = [
        (
            graded_nt_xent_loss(features, t, temperature=0.3, left_out=left_out),
            slow_nt_xent(features, t, 0.3, left_out),
        ),
        (
            graded_clustered_contrastive_loss(
                features, t, clusters, temperature=0.3, base_temperature=0.1, left_out=left_out
            ),
            slow_clustered(features, t, clusters, 0.3, 0.1, left_out),
        ),
        (
            graded_label_aware_contrastive_loss(features, q, t, log_p, temperature=0.3, left_out=left_out),
            slow_lcl(features, q, t, log_p, 0.3, left_out),
        ),
    ]
    for ours, slow in losses:
        assert_same(ours, slow, [features])


@pytest.mark.parametrize(
    "loss",
    [
        lambda z, t: supcon_loss(z, t, temperature=0.3),
        lambda z, t: graded_nt_xent_loss(z, t, temperature=0.3),
        lambda z, t: graded_clustered_contrastive_loss(z, t, torch.tensor([0, 0, 1, 1])),
    ],
    ids=["supcon", "sacl", "taco"],
)
@pytest.mark.parametrize("t", [torch.zeros(4, 4), torch.ones(4, 4), torch.eye(4)], ids=["none", "all", "own"])
def test_nothing_to_contrast_has_finite_gradients(loss, t):
    features = torch.randn(4, 3, requires_grad=True)
    value = loss(features, t)
    assert torch.isfinite(value)
    assert torch.isfinite(torch.autograd.grad(value, features)[0]).all()
    if not t.any():
        assert value == 0


def test_the_divergence_of_two_passes_over_labels_that_do_not_exclude_each_other():
    torch.manual_seed(0)
    first, second = torch.randn(2, 5, 3, dtype=torch.float64)
    expected = 0.0
    for p, q in zip(first.sigmoid().flatten().tolist(), second.sigmoid().flatten().tolist(), strict=True):
        for a, b in ((p, q), (q, p)):
            expected += a * math.log(a / b) + (1 - a) * math.log((1 - a) / (1 - b))
    assert symmetric_bernoulli_kl(first, second).item() == pytest.approx(expected / 2 / 5, abs=1e-12)
    binary = [torch.stack([logits[:, 0], torch.zeros(5)], 1) for logits in (first, second)]
    assert symmetric_bernoulli_kl(first[:, :1], second[:, :1]).item() == pytest.approx(
        symmetric_kl(*binary).item(), abs=1e-12
    )
    assert symmetric_bernoulli_kl(torch.full((1, 2), 300.0), torch.full((1, 2), -300.0)).item() == 600
