"""TACO's losses against slow loops and the card's numbers; its clusters; its three views trained together."""

import math
import warnings
from functools import partial

import pytest
import torch
from torch.nn.functional import cross_entropy

from fecbench import (
    FecbenchError,
    Predictor,
    clustered_contrastive_loss,
    clustered_pairs,
    kmeans_clusters,
    label_pair_weights,
    label_separation_loss,
)
from tests.support.train import train

FEATURES = torch.tensor([[1, 0], [0.8, 0.6], [0, 1], [-1, 0], [0.6, -0.8], [0, -2]], dtype=torch.float64)
LABELS, CLUSTERS = torch.tensor([0, 0, 1, 1, 0, 2]), torch.tensor([0, 1, 1, 2, 0, 0])
STATES = torch.tensor([[1.0, 0], [1, 1], [0, 2]], dtype=torch.float64)
LOGITS = torch.tensor([[2.0, 1, 0], [1, 2, -1]], dtype=torch.float64)


def slow_contrast(features, labels, clusters, temperature, base_temperature):
    """The equation, one anchor and one positive at a time."""
    z = [row / row.norm() for row in features]
    total = features.sum() * 0
    for i in range(len(z)):
        positives = [j for j in range(len(z)) if labels[j] == labels[i] and clusters[j] != clusters[i]]
        negatives = [j for j in range(len(z)) if labels[j] != labels[i] and clusters[j] == clusters[i]]
        for p in positives:
            normaliser = sum((z[i] @ z[a] / temperature).exp() for a in positives + negatives).log()
            total = total + (normaliser - z[i] @ z[p] / temperature) / len(positives)
    return temperature / base_temperature * total / len(z)


def slow_separation(states, logits):
    """The equation, one pair of labels at a time."""
    pairs = [(a, b) for a in range(len(states)) for b in range(a + 1, len(states))]
    q = logits.T
    weights = [q[a] @ q[b] / (q[a].norm() * q[b].norm()) for a, b in pairs]
    cosines = [states[a] @ states[b] / (states[a].norm() * states[b].norm()) for a, b in pairs]
    return (sum(w * c for w, c in zip(weights, cosines, strict=True)) / sum(weights)).exp()


CASES = {
    "mixed": ([0, 0, 1, 1, 1, 2, 0, 2], [0, 1, 1, 0, 2, 2, 1, 2]),
    "clusters are labels": ([0, 0, 1, 1, 1, 2, 0, 2], [2, 2, 0, 0, 0, 1, 2, 1]),
    "one cluster": ([0, 0, 1, 1, 1, 2, 0, 2], [0] * 8),
    "one class": ([0] * 8, [0, 1, 2, 0, 1, 2, 3, 0]),
    "all distinct": (list(range(8)), [0, 1, 0, 1, 0, 1, 0, 1]),
}


@pytest.mark.parametrize(("labels", "clusters"), CASES.values(), ids=CASES)
def test_contrast_and_gradient_are_those_of_a_loop(labels, clusters):
    torch.manual_seed(0)
    features = torch.randn(8, 5, dtype=torch.float64, requires_grad=True)
    fast = clustered_contrastive_loss(
        features, torch.tensor(labels), torch.tensor(clusters), temperature=0.3, base_temperature=0.1
    )
    expected = slow_contrast(features, labels, clusters, 0.3, 0.1)
    assert fast.item() == pytest.approx(expected.item(), abs=1e-12)
    torch.testing.assert_close(
        *(torch.autograd.grad(loss, features)[0] for loss in (fast, expected)), rtol=1e-10, atol=1e-12
    )


@pytest.mark.parametrize("base", [{}, {"base_temperature": 0.5}])
def test_the_cards_contrast(base):
    positive, negative = clustered_pairs(LABELS, CLUSTERS)
    assert positive.nonzero().tolist() == [[0, 1], [1, 0], [1, 4], [2, 3], [3, 2], [4, 1]]
    assert negative.nonzero().tolist() == [[0, 5], [1, 2], [2, 1], [4, 5], [5, 0], [5, 4]]
    expected = 0.809701 if base else 5.783580
    assert clustered_contrastive_loss(FEATURES, LABELS, CLUSTERS, **base).item() == pytest.approx(expected, abs=1e-6)


def test_clusters_that_are_the_labels_leave_nothing_and_their_numbers_mean_nothing():
    features = FEATURES.clone().requires_grad_()
    loss = clustered_contrastive_loss(features, LABELS, LABELS)
    assert loss.item() == 0
    assert torch.autograd.grad(loss, features)[0].eq(0).all()
    expected = clustered_contrastive_loss(FEATURES, LABELS, CLUSTERS)
    assert clustered_contrastive_loss(FEATURES, LABELS, torch.tensor([5, 0, 3])[CLUSTERS]).equal(expected)
    order = torch.tensor([3, 5, 0, 2, 4, 1])
    torch.testing.assert_close(clustered_contrastive_loss(FEATURES[order], LABELS[order], CLUSTERS[order]), expected)


@pytest.mark.parametrize("labels", [[0], [0, 1, 2], [0, 0, 0]])
def test_nothing_to_contrast_is_zero_with_zero_gradient(labels):
    features = torch.randn(len(labels), 4, requires_grad=True)
    loss = clustered_contrastive_loss(features, torch.tensor(labels), torch.zeros(len(labels)))
    assert loss.item() == 0
    assert torch.autograd.grad(loss, features)[0].eq(0).all()


def test_the_cards_label_separation():
    weights = label_pair_weights(LOGITS)
    assert (weights / weights.sum()).tolist() == pytest.approx([-1.476994, 0.825665, 1.651329], abs=1e-6)
    assert label_separation_loss(STATES, weights).item() == pytest.approx(1.131194, abs=1e-6)
    negative = label_pair_weights(torch.tensor([[3.0, -2, -1], [-1, 2, -2]], dtype=torch.float64))
    assert negative.sum().item() == pytest.approx(-1.352076, abs=1e-6)
    assert label_separation_loss(STATES, negative).item() == pytest.approx(1.883528, abs=1e-6)


def test_weights_under_autocast_are_those_of_float32():
    logits = torch.tensor([[2.0, 1.003, 0.01], [1.001, 2, -1]])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        weights = label_pair_weights(logits)
    assert weights.dtype == torch.float32
    assert weights.equal(label_pair_weights(logits))


def test_the_cards_total():
    contrast = clustered_contrastive_loss(FEATURES, LABELS, CLUSTERS)
    classification = cross_entropy(LOGITS, torch.tensor([0, 1]))
    assert classification.item() == pytest.approx(0.378309, abs=1e-6)
    separation = label_separation_loss(STATES, label_pair_weights(LOGITS))
    assert (classification + 0.4 * contrast + 0.4 * separation).item() == pytest.approx(3.144219, abs=1e-6)


def test_separation_and_gradients_are_those_of_a_loop():
    torch.manual_seed(0)
    states, logits = (torch.randn(*shape, dtype=torch.float64, requires_grad=True) for shape in ((5, 7), (4, 5)))
    fast, expected = label_separation_loss(states, label_pair_weights(logits)), slow_separation(states, logits)
    assert fast.item() == pytest.approx(expected.item(), rel=1e-10)
    for ours, theirs in zip(*(torch.autograd.grad(loss, (states, logits)) for loss in (fast, expected)), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("label_weights", ["signed", "clamped"])
def test_labels_that_are_all_alike_give_e(label_weights):
    torch.manual_seed(0)
    for _ in range(3):
        weights = label_pair_weights(torch.randn(6, 5))
        loss = label_separation_loss(torch.ones(5, 4), weights, label_weights=label_weights)
        assert loss.item() == pytest.approx(math.e, abs=1e-3)


def test_weights_that_cancel_drop_the_term_and_leave_finite_gradients():
    states = torch.randn(3, 4, requires_grad=True)
    weights = torch.tensor([300.0, -300.0, 5e-5], requires_grad=True)
    loss = label_separation_loss(states, weights)
    assert loss.item() == 0
    assert all(gradient.eq(0).all() for gradient in torch.autograd.grad(loss, (states, weights)))
    assert label_separation_loss(states, torch.tensor([0.2, -0.3, 0.0])).item() > 0


def test_clamped_weights_count_no_negative_one_and_pass_no_gradient():
    states, logits = STATES.clone().requires_grad_(), LOGITS.clone().requires_grad_()
    loss = label_separation_loss(states, label_pair_weights(logits), label_weights="clamped")
    cosines = [math.sqrt(0.5), 0.0, math.sqrt(0.5)]
    weights = label_pair_weights(LOGITS).relu().tolist()
    expected = math.exp(sum(w * c for w, c in zip(weights, cosines, strict=True)) / sum(weights))
    assert loss.item() == pytest.approx(expected, abs=1e-6)
    assert torch.autograd.grad(loss, logits, allow_unused=True, retain_graph=True)[0] is None
    assert torch.autograd.grad(loss, states)[0].abs().sum() > 0
    assert label_separation_loss(STATES, torch.tensor([-1.0, -1, -1]), label_weights="clamped").item() == 1


def test_one_text_and_empty_columns_stay_finite():
    for logits in (torch.randn(1, 4), torch.zeros(3, 4), torch.randn(2, 4) * torch.tensor([1.0, 1, 1, 0])):
        states, logits = torch.randn(4, 6, requires_grad=True), logits.requires_grad_()
        loss = label_separation_loss(states, label_pair_weights(logits))
        assert all(gradient.isfinite().all() for gradient in torch.autograd.grad(loss, (states, logits)))


def test_bf16_stays_close():
    torch.manual_seed(0)
    features, labels, clusters = torch.randn(32, 256), torch.randint(0, 5, (32,)), torch.randint(0, 5, (32,))
    states, logits = torch.randn(5, 256), torch.rand(32, 5)
    with torch.autocast("cpu", torch.bfloat16):
        rough = clustered_contrastive_loss(features.bfloat16(), labels, clusters)
        separation = label_separation_loss(states.bfloat16(), label_pair_weights(logits.bfloat16()))
    assert rough.dtype == separation.dtype == torch.float32
    assert rough.item() == pytest.approx(clustered_contrastive_loss(features, labels, clusters).item(), abs=3e-2)
    assert separation.item() == pytest.approx(
        label_separation_loss(states, label_pair_weights(logits)).item(), abs=3e-3
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: clustered_contrastive_loss(FEATURES, LABELS, CLUSTERS, temperature=0.0),
            "temperature must be positive, found 0.0",
        ),
        (
            lambda: clustered_contrastive_loss(FEATURES, LABELS, CLUSTERS, base_temperature=0.0),
            "base_temperature must be positive, found 0.0",
        ),
        (
            lambda: label_separation_loss(STATES, torch.ones(3), label_weights="abs"),
            "label_weights must be 'signed' or 'clamped', found 'abs'",
        ),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_clusters_follow_directions_and_the_seed():
    torch.manual_seed(0)
    centres = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]])
    features = centres.repeat_interleave(5, 0) * torch.rand(15, 1).add(0.1) + 0.01 * torch.randn(15, 3)
    found = kmeans_clusters(features.requires_grad_(), 3, seed=0)
    assert found.dtype == torch.int64
    assert [len(part.unique()) for part in found.split(5)] == [1, 1, 1]
    assert len(found.unique()) == 3
    noise = torch.randn(40, 8)
    assert kmeans_clusters(noise, 7, seed=3).equal(kmeans_clusters(noise, 7, seed=3))


def test_labels_ask_for_as_many_clusters_as_there_are_different_ones():
    torch.manual_seed(0)
    features, labels = torch.randn(40, 8), torch.tensor([3, 900, 3, 27, 5] * 8)
    assert kmeans_clusters(features, labels, seed=3).equal(kmeans_clusters(features, 4, seed=3))
    rough = features.bfloat16()
    assert kmeans_clusters(rough, labels, seed=3).equal(kmeans_clusters(rough, 4, seed=3))


def test_one_copy_brings_features_and_labels_to_the_host(monkeypatch):
    copies, original = [], torch.Tensor.cpu
    monkeypatch.setattr(torch.Tensor, "cpu", lambda self: copies.append(self.shape) or original(self))
    kmeans_clusters(torch.randn(12, 8), torch.tensor([0, 1, 2] * 4), seed=0)
    assert copies == [(12, 9)]


def test_fewer_different_rows_than_clusters_are_no_matter():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = kmeans_clusters(torch.tensor([[1.0, 0], [2, 0], [0, 1], [3, 0]]), 3, seed=0)
        assert kmeans_clusters(torch.ones(1, 4), 1, seed=0).tolist() == [0]
        assert kmeans_clusters(torch.zeros(3, 4), 2, seed=0).unique().tolist() == [0]
    assert found[[0, 1, 3]].unique().numel() == 1
    assert found[2] != found[0]


def test_rows_that_are_no_numbers_are_left_to_the_loss():
    found = kmeans_clusters(torch.tensor([[torch.nan, 1], [1, 0], [torch.inf, 0], [0, 1]]), 3, seed=0)
    assert found[0] == found[2]
    assert len(found.unique()) == 3


train_taco = partial(train, "taco", device="cpu")


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"label_weights": "clamped", "temperature": 0.1, "base_temperature": 0.1}])
def test_three_views_learn_together(toy, tmp_path, options):
    record = train_taco(toy, tmp_path / "run", epochs=8, **options)
    logs = [event["logs"] for event in record.history() if event["event"] == "epoch"]
    parts = logs[0]["cross_entropy"] + 0.4 * logs[0]["contrastive"] + 0.4 * logs[0]["label_separation"]
    assert logs[0]["model_loss"] == pytest.approx(parts, rel=1e-5)
    assert logs[-1]["cross_entropy"] < logs[0]["cross_entropy"]
    assert logs[0]["positive_pairs"] > 0
    assert record.about["settings"]["head"]["value"] == "label"
    assert Predictor.load(record).probabilities(["my dog died", "what a lovely day"]).shape == (2, 3)


@pytest.mark.slow
def test_what_weighs_nothing_is_not_computed(toy, tmp_path, monkeypatch):
    monkeypatch.setattr("fecbench_taco.objective.kmeans_clusters", None)
    record = train_taco(toy, tmp_path / "run", contrastive_weight=0.0, separation_weight=0.0)
    logs = next(event["logs"] for event in record.history() if event["event"] == "epoch")
    assert logs.keys() == {"model_loss", "cross_entropy"}


@pytest.mark.slow
def test_nothing_is_clustered_for_predictions(toy, tmp_path, monkeypatch):
    record = train_taco(toy, tmp_path / "run")
    monkeypatch.setattr("fecbench_taco.objective.kmeans_clusters", None)
    assert Predictor.load(record).probabilities(["my dog died"]).shape == (1, 3)


def test_a_head_without_labels_is_refused(toy, tmp_path):
    with pytest.raises(
        FecbenchError, match="taco needs a head that encodes the labels' texts, found LinearHead; use --head label"
    ):
        train_taco(toy, tmp_path / "run", head="linear")
