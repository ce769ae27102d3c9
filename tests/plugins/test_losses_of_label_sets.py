"""Losses beside the contrast on sets and shares of labels: focal loss, weights of labels, clusters and separation."""

import pytest
import torch
from torch.nn.functional import one_hot

from fecbench import (
    clustered_pairs,
    cooccurrence_kernel,
    graded_clustered_pairs,
    kmeans_clusters,
    label_pair_weights,
    label_separation_loss,
    overlap,
)
from fecbench.objective.labelling import nll
from fecbench_lcl import label_log_probabilities, own_label_weights
from fecbench_sacl import focal_cross_entropy, graded_focal_cross_entropy, log_probabilities

LOGITS = torch.tensor([[2.0, 0, 0], [1, 1, 0], [2, 0, 1], [0, 2, 0], [0, 1, 1]], dtype=torch.float64)
LABELS = torch.tensor([0, 0, 0, 1, 2])
SETS = torch.tensor([[1, 1, 0], [0, 0, 0], [1, 0, 1], [0, 1, 0], [1, 1, 1]], dtype=torch.float64)


@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.5])
def test_the_focal_loss_of_one_hot_shares_is_that_of_labels(gamma):
    logits = LOGITS.clone().requires_grad_()
    ours = graded_focal_cross_entropy(logits, one_hot(LABELS), "single", gamma)
    theirs = focal_cross_entropy(logits, LABELS, gamma)
    assert ours.item() == pytest.approx(theirs.item(), abs=1e-12)
    gradients = [torch.autograd.grad(loss, logits, retain_graph=True)[0] for loss in (ours, theirs)]
    torch.testing.assert_close(*gradients, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("targets", [SETS, SETS * 0.3 + 0.2])
def test_without_focus_the_loss_of_sets_and_shares_is_their_nll(targets):
    assert graded_focal_cross_entropy(LOGITS, targets, "multi").item() == pytest.approx(
        nll(LOGITS, targets, "multi").item(), abs=1e-12
    )


def test_the_focal_loss_of_sets_and_its_gradient_are_those_of_a_loop():
    logits = LOGITS.clone().requires_grad_()
    expected = 0
    for row, targets in zip(logits, SETS, strict=True):
        for value, target in zip(row, targets, strict=True):
            p = value.sigmoid() if target else 1 - value.sigmoid()
            expected = expected - (1 - p.item()) ** 2 * p.log() / len(SETS)
    loss = graded_focal_cross_entropy(logits, SETS, "multi", 2.0)
    assert loss.item() == pytest.approx(expected.item(), abs=1e-12)
    torch.testing.assert_close(
        torch.autograd.grad(loss, logits)[0], torch.autograd.grad(expected, logits)[0], rtol=1e-10, atol=1e-12
    )


@pytest.mark.parametrize("gamma", [0.0, 1.5])
def test_certain_labels_have_finite_focal_gradients(gamma):
    logits = torch.tensor([[300.0, -300.0]], requires_grad=True)
    for targets in (torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])):
        loss = graded_focal_cross_entropy(logits, targets, "multi", gamma)
        assert loss.item() == (0 if targets[0, 0] else 600)
        assert torch.autograd.grad(loss, logits)[0].isfinite().all()


def test_features_of_sets_are_the_log_probabilities_of_yes_and_no():
    yes, no = log_probabilities(LOGITS, "multi").exp().chunk(2, 1)
    torch.testing.assert_close(yes, LOGITS.sigmoid())
    torch.testing.assert_close(yes + no, torch.ones_like(yes))
    torch.testing.assert_close(log_probabilities(LOGITS, "single"), LOGITS.log_softmax(1))
    assert log_probabilities(LOGITS.bfloat16(), "multi").dtype == torch.float32


def test_the_own_weight_of_a_text_is_the_mean_probability_of_its_labels():
    log_p = label_log_probabilities(LOGITS, "multi")
    p = LOGITS.sigmoid()
    expected = [(p[0, 0] + p[0, 1]) / 2, p[1].mean(), (p[2, 0] + p[2, 2]) / 2, p[3, 1], p[4].mean()]
    torch.testing.assert_close(own_label_weights(SETS, log_p), torch.stack(expected))
    single = own_label_weights(one_hot(LABELS).double(), label_log_probabilities(LOGITS, "single"))
    torch.testing.assert_close(single, LOGITS.softmax(1).gather(1, LABELS[:, None])[:, 0])


def test_sets_ask_for_as_many_clusters_as_they_have_labels():
    torch.manual_seed(0)
    features, targets = torch.randn(20, 6), torch.zeros(20, 9)
    targets[torch.arange(20), torch.arange(20) % 4] = 1
    targets[0, 5] = 0.1  # a share counts too
    assert kmeans_clusters(features, targets, seed=3).equal(kmeans_clusters(features, 5, seed=3))
    assert kmeans_clusters(features, torch.zeros(20, 9), seed=3).unique().tolist() == [0]
    few = kmeans_clusters(features[:3], torch.ones(3, 9), seed=3)  # no more clusters than texts
    assert len(few.unique()) == 3


def test_one_copy_brings_features_and_targets_to_the_host(monkeypatch):
    copies, original = [], torch.Tensor.cpu
    monkeypatch.setattr(torch.Tensor, "cpu", lambda self: copies.append(self.shape) or original(self))
    kmeans_clusters(torch.randn(12, 8), torch.eye(12), seed=0)
    assert copies == [(12, 20)]


@pytest.mark.parametrize("clusters", [[0, 1, 1, 0, 2], [0] * 5, list(range(5))])
def test_graded_pairs_of_one_hot_labels_are_those_of_labels(clusters):
    groups = torch.tensor(clusters)
    graded = graded_clustered_pairs(overlap(one_hot(LABELS)), groups)
    for ours, theirs in zip(graded, clustered_pairs(LABELS, groups), strict=True):
        assert ours.tolist() == theirs.double().tolist()


def test_graded_pairs_leave_pairs_out():
    left_out = torch.eye(5, dtype=torch.bool).flip(0)
    positive, negative = graded_clustered_pairs(overlap(SETS), torch.tensor([0, 0, 1, 1, 2]), left_out)
    assert not (positive + negative)[left_out].any()
    assert negative[0, 1] == 1
    assert positive[0, 2] == pytest.approx(1 / 3)


def test_labels_that_always_occur_together_are_not_separated():
    states = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    together = cooccurrence_kernel(torch.tensor([[1.0, 1, 0], [1, 1, 0], [0, 0, 1]], dtype=torch.float64), rho=1.0)
    weights = label_pair_weights(LOGITS.abs(), together)
    assert weights[0] == pytest.approx(0, abs=1e-12)
    assert weights[1:].tolist() == pytest.approx(label_pair_weights(LOGITS.abs())[1:].tolist())
    loss = label_separation_loss(states, weights)
    cosines = torch.nn.functional.cosine_similarity(states[:2], states[2:])
    expected = ((weights[1:] * cosines).sum() / weights[1:].sum()).exp()
    assert loss.item() == pytest.approx(expected.item())


def test_labels_that_never_occur_together_have_the_papers_weights():
    apart = cooccurrence_kernel(one_hot(LABELS).float(), rho=1.0)
    assert label_pair_weights(LOGITS, apart).equal(label_pair_weights(LOGITS))
