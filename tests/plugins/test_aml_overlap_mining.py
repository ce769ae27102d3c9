"""The miner on overlaps: against slow loops, and on overlaps of 0 and 1 the miner of labels, to the index."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import normalize, one_hot

from fecbench.objective.overlap import background_pairs, overlap
from fecbench_aml import mine_hard_pairs
from fecbench_aml.candidates import expected_similarity
from fecbench_aml.mining import STRATEGIES

Z = torch.tensor([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0], [0.6, 0.8]])
SETS = torch.tensor([[1, 1, 0, 0], [0, 1, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])


def kinds_of(pairs):
    """The valid pairs with their targets: positives, negatives."""
    rows = list(zip(*(part.tolist() for part in pairs), strict=True))
    return [sorted((i, j, t) for i, j, t, valid, p in rows if valid and p == kind) for kind in (True, False)]


def random_batch(rows, seed, classes=4):
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(rows, 16, generator=generator, dtype=torch.float64)
    q = (torch.rand(rows, classes, generator=generator) < 0.4).double()
    return z, overlap(q)


def slow(z, t, k_pos, k_neg, alpha, beta, left_out=None):
    """The definition of 3.4, one anchor at a time."""
    o = normalize(z) @ normalize(z).T
    positives, negatives = [], []
    for i in range(len(z)):
        others = [j for j in range(len(z)) if j != i and not (left_out is not None and left_out[i, j])]
        r = {j: float(alpha + beta * t[i, j] - o[i, j]) for j in others}
        on = [j for j in others if t[i, j] > 0 and (r[j] > 0 or t[i, j] == 1)]
        off = [j for j in others if t[i, j] < 1 and (r[j] < 0 or t[i, j] == 0)]
        positives += [(i, j, float(t[i, j])) for j in sorted(on, key=lambda j: (-round(r[j], 9), j))[:k_pos]]
        negatives += [(i, j, float(t[i, j])) for j in sorted(off, key=lambda j: (round(r[j], 9), j))[:k_neg]]
    return [sorted(positives), sorted(negatives)]


def test_the_example_of_four_texts():
    t = overlap(SETS)
    for beta in (0.6, 0.601):
        positives, negatives = kinds_of(mine_hard_pairs(Z, t, k_pos=1, k_neg=1, alpha=0.2, beta=beta))
        assert positives == [(0, 2, 0.5), (2, 0, 0.5)]
        assert negatives[1:] == [(1, 3, 0), (2, 3, 0), (3, 1, 0)]
    assert negatives[0] == (0, 3, 0)  # at 0.6 the residuals of (0, 1) and (0, 3) are equal but for rounding
    assert kinds_of(mine_hard_pairs(Z, t, k_pos=1, k_neg=1, alpha=-1, beta=2))[0] == []


@given(st.integers(1, 9), st.integers(0, 4), st.integers(0, 4), st.integers(0, 9999), st.booleans())
@settings(max_examples=80, deadline=None)
def test_mining_by_residual_is_that_of_a_loop(rows, k_pos, k_neg, seed, apart):
    z, t = random_batch(rows, seed)
    left_out = (t < 0.3) & (t > 0) if apart else None
    for alpha, beta in ((0.1, 0.4), (-1.0, 2.0)):
        pairs = mine_hard_pairs(z, t, k_pos=k_pos, k_neg=k_neg, alpha=alpha, beta=beta, left_out=left_out)
        assert kinds_of(pairs) == slow(z, t, k_pos, k_neg, alpha, beta, left_out)
        assert len(pairs.i) == rows * (min(k_pos, rows) + min(k_neg, rows))


@given(st.integers(2, 9), st.integers(0, 9999))
@settings(max_examples=60, deadline=None)
def test_the_expected_similarity_is_the_least_squares_line_of_the_batch(rows, seed):
    z, t = random_batch(rows, seed)
    o, pairs = normalize(z) @ normalize(z).T, ~torch.eye(rows, dtype=torch.bool)
    alpha, beta = expected_similarity(t, o, None)
    x, y = t[pairs], o[pairs]
    if x.std() < 1e-6:
        assert beta.item() == pytest.approx(0, abs=1e-6)
        slope = 0.0
    else:
        design = torch.stack([torch.ones_like(x), x], 1)
        slope = max(0.0, torch.linalg.lstsq(design, y[:, None]).solution[1].item())
    assert beta.item() == pytest.approx(slope, abs=1e-6)
    assert alpha.item() == pytest.approx((y.mean() - slope * x.mean()).item(), abs=1e-6)
    fitted = mine_hard_pairs(z, t, k_pos=2, k_neg=2)
    assert kinds_of(fitted) == slow(z, t, 2, 2, alpha.item(), beta.item())


def test_pairs_that_are_left_out_take_no_part_in_the_fit():
    z, t = random_batch(8, 3)
    left_out = torch.zeros(8, 8, dtype=torch.bool)
    left_out[0] = left_out[:, 0] = True
    positives, negatives = kinds_of(mine_hard_pairs(z, t, k_pos=2, k_neg=2, left_out=left_out))
    rest = kinds_of(mine_hard_pairs(z[1:], t[1:, 1:], k_pos=2, k_neg=2))
    assert [positives, negatives] == [[(i + 1, j + 1, x) for i, j, x in kind] for kind in rest]


@given(
    st.sampled_from(STRATEGIES),
    st.lists(st.integers(0, 3), min_size=2, max_size=12),
    st.integers(0, 5),
    st.integers(0, 5),
    st.sampled_from([(None, None), (0.3, 0.7), (-1.0, 2.0)]),
    st.integers(0, 9999),
)
@settings(max_examples=200, deadline=None)
def test_one_hot_overlaps_give_the_pairs_of_labels_to_the_index(strategy, labels, k_pos, k_neg, line, seed):
    y = torch.tensor(labels)
    z = torch.randn(len(y), 8, generator=torch.Generator().manual_seed(seed))
    z[-1] = z[0]  # equal keys too
    graded = overlap(one_hot(y, 4))
    alpha, beta = line
    options = {"k_pos": k_pos, "k_neg": k_neg, "strategy": strategy, "threshold": 0.1}
    ours = mine_hard_pairs(z, graded, **options, alpha=alpha, beta=beta, generator=torch.Generator().manual_seed(seed))
    theirs = mine_hard_pairs(z, y, **options, generator=torch.Generator().manual_seed(seed))
    for name in ("i", "j", "target", "valid", "positive"):
        ours_at, theirs_at = (getattr(pairs, name)[theirs.valid] for pairs in (ours, theirs))
        assert torch.equal(ours_at, theirs_at), name
    assert torch.equal(ours.valid, theirs.valid)


def test_threshold_takes_pairs_by_half_an_overlap():
    z, t = random_batch(8, 1)
    o = normalize(z) @ normalize(z).T
    left_out = t == 1
    pairs = mine_hard_pairs(z, t, k_pos=0, k_neg=0, strategy="threshold", threshold=0.0, left_out=left_out)
    expected = [[], []]
    for i, j in itertools.combinations(range(8), 2):
        if not left_out[i, j] and (t[i, j] >= 0.5) != (o[i, j] >= 0):
            expected[t[i, j] < 0.5].append((i, j, t[i, j].item()))
    assert kinds_of(pairs) == expected


def test_batch_topk_takes_the_largest_residuals_of_the_whole_batch():
    z, t = random_batch(7, 2)
    o = normalize(z) @ normalize(z).T
    pairs = list(itertools.combinations(range(7), 2))
    residual = {(i, j): (0.1 + 0.5 * t[i, j] - o[i, j]).item() for i, j in pairs}
    on = [p for p in pairs if t[p] > 0 and (residual[p] > 0 or t[p] == 1)]
    off = [p for p in pairs if t[p] < 1 and (residual[p] < 0 or t[p] == 0)]
    found = kinds_of(mine_hard_pairs(z, t, k_pos=3, k_neg=4, strategy="batch-topk", alpha=0.1, beta=0.5))
    assert [(i, j) for i, j, _ in found[0]] == sorted(sorted(on, key=lambda p: (-residual[p], p))[:3])
    assert [(i, j) for i, j, _ in found[1]] == sorted(sorted(off, key=lambda p: (residual[p], p))[:4])


def test_uniform_draws_with_the_overlap_as_weight():
    t = torch.tensor([[1.0, 0.75, 0.25], [0.75, 1.0, 0.0], [0.25, 0.0, 1.0]])
    counts = torch.zeros(2, 3)
    for seed in range(600):
        generator = torch.Generator().manual_seed(seed)
        pairs = mine_hard_pairs(torch.eye(3), t, k_pos=1, k_neg=1, strategy="uniform", generator=generator)
        for i, j, _, valid, positive in zip(*(part.tolist() for part in pairs), strict=True):
            if i == 0 and valid:
                counts[int(positive), j] += 1
    assert counts[1, 1] == pytest.approx(450, abs=50)  # weights 3 to 1; 4.7 standard deviations
    assert counts[0, 1] == pytest.approx(150, abs=50)
    assert counts.sum() == 1200


def test_pairs_that_share_background_alone_are_of_no_kind():
    neutral = torch.tensor([False, False, True])
    q = torch.tensor([[1, 0, 1], [0, 0, 1], [0, 1, 1], [1, 0, 0], [0, 0, 0], [0, 0, 0]])
    t, apart = overlap(q, background=neutral), background_pairs(q, neutral)
    for strategy in STRATEGIES:
        pairs = mine_hard_pairs(torch.randn(6, 4), t, k_pos=6, k_neg=6, strategy=strategy, left_out=apart)
        mined = {(i, j) for kind in kinds_of(pairs) for i, j, _ in kind}
        assert not mined & {(0, 1), (1, 0), (1, 2), (2, 1), (0, 2), (2, 0), (4, 5), (5, 4)}
        by_label = mine_hard_pairs(
            torch.randn(6, 4), torch.tensor([0, 1, 1, 0, 2, 2]), k_pos=6, k_neg=6, strategy=strategy, left_out=apart
        )
        assert not any(apart[i, j] for kind in kinds_of(by_label) for i, j, _ in kind)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_overlaps_with_features_of_any_float_type(strategy, dtype):
    z = torch.randn(6, 4).to(dtype).requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        pairs = mine_hard_pairs(z, overlap(torch.eye(6)[:, :3]), k_pos=2, k_neg=2, strategy=strategy)
    assert [part.dtype for part in (pairs.i, pairs.j, pairs.valid, pairs.positive)] == [
        torch.int64,
        torch.int64,
        torch.bool,
        torch.bool,
    ]
    assert pairs.target.is_floating_point()
    assert not pairs.target.requires_grad


@pytest.mark.parametrize(
    "arguments",
    [{"alpha": 0.1}, {"beta": 0.1}, {"alpha": 0.0, "beta": 0.0}, {"alpha": 0.0, "beta": -1.0}],
)
def test_a_line_has_both_its_numbers_and_rises(arguments):
    with pytest.raises(ValueError, match="alpha and beta must be given together"):
        mine_hard_pairs(Z, overlap(SETS), k_pos=1, k_neg=1, **arguments)


def test_targets_of_texts_are_not_taken_for_overlaps():
    with pytest.raises(ValueError, match=r"fecbench\.overlap"):
        mine_hard_pairs(Z, torch.ones(4, 5), k_pos=1, k_neg=1)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_mask_of_pairs_is_an_overlap_and_stays_as_it_is(strategy):
    mask = torch.tensor([[True, True, False], [True, True, False], [False, False, True]])
    options = {"k_pos": 1, "k_neg": 1, "strategy": strategy, "threshold": 0.0}
    given_pairs, as_labels = (
        mine_hard_pairs(Z[:3], targets, **options, generator=torch.Generator().manual_seed(0))
        for targets in (mask, torch.tensor([0, 0, 1]))
    )
    assert kinds_of(given_pairs) == kinds_of(as_labels)
    assert mask.diagonal().all()
