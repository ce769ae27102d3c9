"""The miner, every strategy of it, against slow loops written from the card."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fecbench_aml import mine_hard_pairs


def slow_pairs(z, labels, k_pos, k_neg):
    """The paper's H+ and H- for each anchor, lower index first among equals."""
    z = z.double()
    pairs = []
    for i in range(len(z)):

        def similarity(j, i=i):
            return round(float(z[i] @ z[j] / max(float(z[i].norm() * z[j].norm()), 1e-12)), 5)

        same = [j for j in range(len(z)) if j != i and labels[j] == labels[i]]
        other = [j for j in range(len(z)) if labels[j] != labels[i]]
        pairs += [(i, j, 1.0) for j in sorted(same, key=lambda j: (similarity(j), j))[:k_pos]]
        pairs += [(i, j, 0.0) for j in sorted(other, key=lambda j: (-similarity(j), j))[:k_neg]]
    return sorted(pairs)


def valid_pairs(pairs):
    return sorted((i, j, t) for i, j, t, v, _ in zip(*(part.tolist() for part in pairs), strict=True) if v)


def separate(rows, width=16, seed=0):
    """Random features whose cosines differ by more than rounding."""
    return torch.randn(rows, width, generator=torch.Generator().manual_seed(seed))


LABELS = {
    "random": [0, 1, 2, 0, 1, 2, 0, 0, 1, 1],
    "one class": [3] * 7,
    "all distinct": list(range(7)),
    "one": [0],
    "two alike": [1, 1],
    "two unlike": [1, 2],
}


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize(("k_pos", "k_neg"), [(1, 1), (2, 3), (0, 2), (20, 20), (10**30, 1)])
def test_mining_is_the_papers(labels, k_pos, k_neg):
    z = separate(len(labels), 8)
    pairs = mine_hard_pairs(z, torch.tensor(labels), k_pos=k_pos, k_neg=k_neg)
    assert valid_pairs(pairs) == slow_pairs(z, labels, k_pos, k_neg)
    slots = len(labels) * (min(k_pos, len(labels)) + min(k_neg, len(labels)))
    assert len(pairs.i) == len(pairs.j) == len(pairs.target) == len(pairs.valid) == slots
    assert (pairs.i.dtype, pairs.j.dtype, pairs.valid.dtype) == (torch.int64, torch.int64, torch.bool)
    assert int(pairs.j.amax()) < len(labels)


def test_of_equal_similarities_the_lower_index_comes_first():
    z = torch.tensor([[1.0, 0.0]] * 6)
    pairs = mine_hard_pairs(z, torch.tensor([0, 0, 0, 1, 1, 1]), k_pos=1, k_neg=2)
    assert valid_pairs(pairs) == slow_pairs(z, [0, 0, 0, 1, 1, 1], 1, 2)
    assert (5, 3, 1.0) in valid_pairs(pairs)
    assert (0, 3, 0.0) in valid_pairs(pairs)


@given(st.integers(1, 12), st.integers(1, 4), st.integers(0, 5), st.integers(0, 5), st.integers(0, 999))
@settings(max_examples=60, deadline=None)
def test_mining_on_random_batches(rows, classes, k_pos, k_neg, seed):
    generator = torch.Generator().manual_seed(seed)
    z, labels = torch.randn(rows, 16, generator=generator), torch.randint(0, classes, (rows,), generator=generator)
    assert valid_pairs(mine_hard_pairs(z, labels, k_pos=k_pos, k_neg=k_neg)) == slow_pairs(
        z, labels.tolist(), k_pos, k_neg
    )


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_mining_in_any_float_type_and_without_gradient(dtype):
    z = separate(10, 8).to(dtype).requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        pairs = mine_hard_pairs(z, torch.tensor(LABELS["random"]), k_pos=2, k_neg=2)
    assert valid_pairs(pairs) == slow_pairs(z.detach(), LABELS["random"], 2, 2)
    assert not pairs.target.requires_grad


def test_a_zero_feature_is_no_trouble():
    z = torch.cat([torch.zeros(1, 4), separate(3, 4)])
    pairs = mine_hard_pairs(z, torch.tensor([0, 0, 1, 1]), k_pos=1, k_neg=1)
    assert torch.isfinite(pairs.target).all()


@pytest.mark.parametrize("arguments", [{"k_pos": -1, "k_neg": 1}, {"k_pos": 1, "k_neg": 1, "strategy": "hardest"}])
def test_mining_refuses_what_it_does_not_know(arguments):
    with pytest.raises(ValueError, match="must be"):
        mine_hard_pairs(torch.ones(2, 2), torch.tensor([0, 1]), **arguments)


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


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize("tau", [-0.5, 0.0, 0.1, 0.5])
def test_threshold_is_the_cards(labels, tau):
    z = separate(len(labels))
    pairs = mine_hard_pairs(z, torch.tensor(labels), k_pos=1, k_neg=1, strategy="threshold", threshold=tau)
    assert valid_pairs(pairs) == slow_threshold(z, labels, tau)
    assert len(pairs.i) == len(labels) * (len(labels) - 1) // 2


def test_a_similarity_at_the_threshold_makes_a_hard_negative():
    z = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 2.0]])
    pairs = mine_hard_pairs(z, torch.tensor([0, 0, 1]), k_pos=0, k_neg=0, strategy="threshold", threshold=0.0)
    assert valid_pairs(pairs) == [
        (0, 2, 0.0),
        (1, 2, 0.0),
    ]  # (0, 1) has the threshold's similarity and one label: not hard


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize(("k_pos", "k_neg"), [(1, 1), (2, 3), (0, 2), (50, 50)])
def test_batch_topk_is_the_released_codes(labels, k_pos, k_neg):
    z = separate(len(labels))
    pairs = mine_hard_pairs(z, torch.tensor(labels), k_pos=k_pos, k_neg=k_neg, strategy="batch-topk")
    assert valid_pairs(pairs) == slow_batch_topk(z, labels, k_pos, k_neg)
    there = len(labels) * (len(labels) - 1) // 2
    assert len(pairs.i) == min(k_pos, there) + min(k_neg, there)
    assert all(0 <= row < len(labels) for row in (*pairs.i.tolist(), *pairs.j.tolist()))


def test_ties_of_batch_topk_go_to_the_lower_indices():
    pairs = mine_hard_pairs(torch.ones(4, 2), torch.tensor([0, 0, 1, 0]), k_pos=2, k_neg=2, strategy="batch-topk")
    assert valid_pairs(pairs) == [(0, 1, 1.0), (0, 2, 0.0), (0, 3, 1.0), (1, 2, 0.0)]


@given(st.lists(st.integers(0, 3), min_size=2, max_size=10), st.integers(0, 4), st.integers(0, 4), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_both_on_random_batches(labels, k_pos, k_neg, seed):
    z, y = separate(len(labels), seed=seed), torch.tensor(labels)
    if k_pos + k_neg:
        assert valid_pairs(mine_hard_pairs(z, y, k_pos=k_pos, k_neg=k_neg, strategy="batch-topk")) == slow_batch_topk(
            z, labels, k_pos, k_neg
        )
    assert valid_pairs(mine_hard_pairs(z, y, k_pos=1, k_neg=1, strategy="threshold", threshold=0.2)) == slow_threshold(
        z, labels, 0.2
    )


def uniform(labels, k_pos, k_neg, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return mine_hard_pairs(
        separate(len(labels)), torch.tensor(labels), k_pos=k_pos, k_neg=k_neg, strategy="uniform", generator=generator
    )


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
def test_uniform_draws_without_replacement_among_the_candidates(labels):
    pairs = valid_pairs(uniform(labels, 2, 3))
    assert len(set(pairs)) == len(pairs)
    for i, label in enumerate(labels):
        same = [j for j, other in enumerate(labels) if other == label and j != i]
        other = [j for j, name in enumerate(labels) if name != label]
        assert sum(1 for a, _, t in pairs if a == i and t == 1) == min(2, len(same))
        assert sum(1 for a, _, t in pairs if a == i and t == 0) == min(3, len(other))
    assert all((labels[i] == labels[j]) == (t == 1) and i != j for i, j, t in pairs)


def test_uniform_is_a_function_of_its_generator_and_uniform():
    labels = [0] * 5
    assert valid_pairs(uniform(labels, 1, 0, 3)) == valid_pairs(uniform(labels, 1, 0, 3))
    counts = torch.zeros(5)
    for seed in range(400):
        counts += torch.bincount(
            torch.tensor([j for i, j, _ in valid_pairs(uniform(labels, 1, 0, seed)) if i == 0]), minlength=5
        )
    assert counts[0] == 0
    assert (counts[1:] - 100).abs().max() < 40  # four and a half standard deviations


@pytest.mark.parametrize("strategy", ["threshold", "uniform", "batch-topk"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_any_float_type(strategy, dtype):
    pairs = mine_hard_pairs(
        separate(6).to(dtype).requires_grad_(), torch.tensor([0, 0, 1, 1, 2, 2]), k_pos=2, k_neg=2, strategy=strategy
    )
    assert (pairs.i.dtype, pairs.j.dtype, pairs.valid.dtype) == (torch.int64, torch.int64, torch.bool)
    assert pairs.target.is_floating_point()
    assert not pairs.target.requires_grad
