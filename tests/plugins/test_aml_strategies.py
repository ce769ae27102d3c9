"""The miner's other strategies against slow loops written from the card."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fecbench_aml import mine_hard_pairs

BATCHES = {
    "random": [0, 1, 2, 0, 1, 2, 0, 0, 1, 1],
    "one class": [3] * 7,
    "all distinct": list(range(7)),
    "one": [0],
    "two alike": [1, 1],
    "two unlike": [1, 2],
}


def features(rows, seed=0):
    return torch.randn(rows, 16, generator=torch.Generator().manual_seed(seed))


def found(pairs):
    return sorted((i, j, t) for i, j, t, v in zip(*(part.tolist() for part in pairs), strict=True) if v)


def cosine(z, i, j):
    a, b = z[i].double(), z[j].double()
    return round(float(a @ b / max(float(a.norm() * b.norm()), 1e-12)), 5)


def slow_threshold(z, labels, tau):
    pairs = []
    for i, j in itertools.combinations(range(len(z)), 2):
        if labels[i] == labels[j] and cosine(z, i, j) < tau:
            pairs.append((i, j, 1.0))
        if labels[i] != labels[j] and cosine(z, i, j) >= tau:
            pairs.append((i, j, 0.0))
    return sorted(pairs)


def slow_batch_topk(z, labels, k_pos, k_neg):
    everything = list(itertools.combinations(range(len(z)), 2))
    same = sorted((p for p in everything if labels[p[0]] == labels[p[1]]), key=lambda p: (cosine(z, *p), p))
    other = sorted((p for p in everything if labels[p[0]] != labels[p[1]]), key=lambda p: (-cosine(z, *p), p))
    return sorted([(i, j, 1.0) for i, j in same[:k_pos]] + [(i, j, 0.0) for i, j in other[:k_neg]])


@pytest.mark.parametrize("labels", BATCHES.values(), ids=BATCHES)
@pytest.mark.parametrize("tau", [-0.5, 0.0, 0.1, 0.5])
def test_threshold_is_the_cards(labels, tau):
    z = features(len(labels))
    pairs = mine_hard_pairs(z, torch.tensor(labels), k_pos=1, k_neg=1, strategy="threshold", threshold=tau)
    assert found(pairs) == slow_threshold(z, labels, tau)
    assert len(pairs.i) == len(labels) * (len(labels) - 1) // 2


def test_a_similarity_at_the_threshold_makes_a_hard_negative():
    z = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 2.0]])
    pairs = mine_hard_pairs(z, torch.tensor([0, 0, 1]), k_pos=0, k_neg=0, strategy="threshold", threshold=0.0)
    assert found(pairs) == [(0, 2, 0.0), (1, 2, 0.0)]  # (0, 1) has the threshold's similarity and one label: not hard


@pytest.mark.parametrize("labels", BATCHES.values(), ids=BATCHES)
@pytest.mark.parametrize(("k_pos", "k_neg"), [(1, 1), (2, 3), (0, 2), (50, 50)])
def test_batch_topk_is_the_released_codes(labels, k_pos, k_neg):
    z = features(len(labels))
    pairs = mine_hard_pairs(z, torch.tensor(labels), k_pos=k_pos, k_neg=k_neg, strategy="batch-topk")
    assert found(pairs) == slow_batch_topk(z, labels, k_pos, k_neg)
    assert len(pairs.i) == k_pos + k_neg
    assert int(pairs.i.amax()) < len(labels)
    assert int(pairs.j.amax()) < len(labels)


def test_ties_of_batch_topk_go_to_the_lower_indices():
    pairs = mine_hard_pairs(torch.ones(4, 2), torch.tensor([0, 0, 1, 0]), k_pos=2, k_neg=2, strategy="batch-topk")
    assert found(pairs) == [(0, 1, 1.0), (0, 2, 0.0), (0, 3, 1.0), (1, 2, 0.0)]


@given(st.lists(st.integers(0, 3), min_size=2, max_size=10), st.integers(0, 4), st.integers(0, 4), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_both_on_random_batches(labels, k_pos, k_neg, seed):
    z, y = features(len(labels), seed), torch.tensor(labels)
    if k_pos + k_neg:
        assert found(mine_hard_pairs(z, y, k_pos=k_pos, k_neg=k_neg, strategy="batch-topk")) == slow_batch_topk(z, labels, k_pos, k_neg)
    assert found(mine_hard_pairs(z, y, k_pos=1, k_neg=1, strategy="threshold", threshold=0.2)) == slow_threshold(z, labels, 0.2)


def uniform(labels, k_pos, k_neg, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return mine_hard_pairs(features(len(labels)), torch.tensor(labels), k_pos=k_pos, k_neg=k_neg, strategy="uniform", generator=generator)


@pytest.mark.parametrize("labels", BATCHES.values(), ids=BATCHES)
def test_uniform_draws_without_replacement_among_the_candidates(labels):
    pairs = found(uniform(labels, 2, 3))
    assert len(set(pairs)) == len(pairs)
    for i, label in enumerate(labels):
        same = [j for j, other in enumerate(labels) if other == label and j != i]
        other = [j for j, name in enumerate(labels) if name != label]
        assert sum(1 for a, _, t in pairs if a == i and t == 1) == min(2, len(same))
        assert sum(1 for a, _, t in pairs if a == i and t == 0) == min(3, len(other))
    assert all((labels[i] == labels[j]) == (t == 1) and i != j for i, j, t in pairs)


def test_uniform_is_a_function_of_its_generator_and_uniform():
    labels = [0] * 5
    assert found(uniform(labels, 1, 0, 3)) == found(uniform(labels, 1, 0, 3))
    counts = torch.zeros(5)
    for seed in range(400):
        counts += torch.bincount(torch.tensor([j for i, j, _ in found(uniform(labels, 1, 0, seed)) if i == 0]), minlength=5)
    assert counts[0] == 0
    assert (counts[1:] - 100).abs().max() < 40  # four and a half standard deviations


@pytest.mark.parametrize("strategy", ["threshold", "uniform", "batch-topk"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_any_float_type(strategy, dtype):
    pairs = mine_hard_pairs(features(6).to(dtype).requires_grad_(), torch.tensor([0, 0, 1, 1, 2, 2]), k_pos=2, k_neg=2, strategy=strategy)
    assert (pairs.i.dtype, pairs.j.dtype, pairs.valid.dtype) == (torch.int64, torch.int64, torch.bool)
    assert pairs.target.is_floating_point()
    assert not pairs.target.requires_grad
