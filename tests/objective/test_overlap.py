"""Overlap of label sets and distributions: tables by hand, and the relations between its kinds."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import one_hot

from fecbench.objective.overlap import background_pairs, cooccurrence_kernel, overlap

SETS = torch.tensor([[1, 1, 0, 0], [0, 1, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
SHARES = torch.tensor([[0.6, 0.4, 0.0], [0.2, 0.5, 0.3]], dtype=torch.float64)
KINDS = ["jaccard", "dice", "cosine", "bhattacharyya", "agreement", "any", "exact"]
EXACT_ON_SETS = ["jaccard", "dice", "cosine", "bhattacharyya", "exact"]  # of a row and itself: 1


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("jaccard", [1 / 3, 1 / 2, 1 / 2, 0, 1]),
        ("dice", [1 / 2, 2 / 3, 2 / 3, 0, 1]),
        ("cosine", [0.5, 0.707107, 0.707107, 0, 1]),
        ("bhattacharyya", [0.5, 0.707107, 0.707107, 0, 1]),
        ("agreement", [0.25, 0.5, 0.5, 0, 0.5]),
        ("any", [1, 1, 1, 0, 1]),
        ("exact", [0, 0, 0, 0, 1]),
    ],
)
def test_the_table_of_sets(kind, expected):
    t = overlap(SETS, kind)
    assert [t[pair].item() for pair in ((0, 1), (0, 2), (1, 2), (0, 3), (0, 0))] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("jaccard", 0.428571), ("dice", 0.6), ("cosine", 0.719874), ("bhattacharyya", 0.793624), ("agreement", 0.32)],
)
def test_the_table_of_distributions(kind, expected):
    assert overlap(SHARES, kind)[0, 1].item() == pytest.approx(expected, abs=1e-6)


def test_labels_that_occur_together_overlap_under_a_kernel():
    kernel = torch.eye(4)
    kernel[0, 1] = kernel[1, 0] = 0.25
    assert overlap(torch.eye(4)[:2], "cooccurrence", kernel)[0, 1].item() == pytest.approx(0.25)
    assert overlap(SETS, "cooccurrence", kernel)[0, 1].item() == pytest.approx(0.559017, abs=1e-6)
    assert torch.equal(overlap(SETS, "cooccurrence", torch.eye(4)), overlap(SETS, "cosine"))


def test_a_kernel_counts_rows_that_have_both_labels():
    rows = torch.tensor([[1, 1, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
    both = 2 / 3  # two rows with both, three with each
    kernel = cooccurrence_kernel(rows, rho=0.5)
    torch.testing.assert_close(kernel, torch.tensor([[1, both / 2, 0], [both / 2, 1, 0], [0, 0, 1.0]]))
    assert torch.equal(cooccurrence_kernel(rows, rho=0), torch.eye(3))


@given(st.integers(1, 30), st.integers(2, 6), st.floats(0, 1), st.integers(0, 999))
@settings(deadline=None, max_examples=60)
def test_a_kernel_is_positive_semidefinite_with_ones_on_its_diagonal(rows, classes, rho, seed):
    targets = torch.rand(rows, classes, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    kernel = cooccurrence_kernel(torch.where(targets < 0.5, 0.0, targets), rho)
    torch.testing.assert_close(kernel, kernel.T)
    assert torch.equal(kernel.diagonal(), torch.ones(classes, dtype=torch.float64))
    assert kernel.min() >= 0
    assert torch.linalg.eigvalsh(kernel).min() >= -1e-9


@pytest.mark.parametrize("rho", [-0.1, 1.1, math.nan])
def test_a_kernel_refuses_other_shares(rho):
    with pytest.raises(ValueError, match="rho must be between 0 and 1"):
        cooccurrence_kernel(torch.eye(2), rho)


@pytest.mark.parametrize("kind", [*KINDS, "cooccurrence"])
def test_rows_without_labels_overlap_with_each_other_alone(kind):
    rows = torch.tensor([[0, 0, 0], [1, 0, 1], [0, 0, 0]])
    t = overlap(rows, kind, torch.eye(3) if kind == "cooccurrence" else None)
    assert t[0].tolist() == t[2].tolist() == [1, 0, 1]
    assert t[1, 0] == t[1, 2] == 0


def test_background_leaves_no_overlap_where_nothing_else_is_shared():
    neutral = torch.tensor([False, False, True])
    rows = torch.tensor([[0, 0, 1], [1, 0, 1], [1, 0, 1], [0, 0, 0], [0, 0, 0]])
    apart = background_pairs(rows, neutral)
    assert apart.nonzero().tolist() == [[0, 0], [0, 1], [0, 2], [1, 0], [2, 0], [3, 3], [3, 4], [4, 3], [4, 4]]
    t = overlap(rows, "jaccard", background=neutral)
    assert torch.equal(t, overlap(rows, "jaccard").masked_fill(apart, 0))
    assert t[1, 2] == 1  # they share a label that is no background
    assert t[0, 1] == t[3, 4] == 0


@pytest.mark.parametrize(
    ("kind", "kernel", "message"),
    [
        ("euclid", None, "kind must be one of jaccard, dice"),
        ("jaccard", torch.eye(4), "found kind 'jaccard' with one"),
        ("cooccurrence", None, "found kind 'cooccurrence' without one"),
    ],
)
def test_other_kinds_and_kernels_are_refused(kind, kernel, message):
    with pytest.raises(ValueError, match=message):
        overlap(SETS, kind, kernel)


@pytest.mark.parametrize("dtype", [torch.bool, torch.int64, torch.bfloat16, torch.float32, torch.float64])
def test_targets_of_any_type_under_autocast(dtype):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        t = overlap(SETS.to(dtype), "cooccurrence", torch.eye(4))
    assert t.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    torch.testing.assert_close(t.double(), overlap(SETS.double(), "cosine"))


@pytest.mark.parametrize("kind", KINDS)
def test_one_hot_rows_overlap_by_exactly_one_or_nothing(kind):
    labels = torch.arange(5).repeat(3)
    assert torch.equal(overlap(one_hot(labels, 5), kind), (labels[:, None] == labels).float())


@pytest.mark.parametrize("kind", EXACT_ON_SETS)
def test_equal_sets_overlap_by_exactly_one(kind):
    for size in range(1, 40):
        rows = torch.zeros(2, 40)
        rows[:, :size] = 1
        assert torch.equal(overlap(rows, kind), torch.ones(2, 2))


def rows_of(rows, classes, seed, sparse=True):
    """Random targets, about half of them 0."""
    generator = torch.Generator().manual_seed(seed)
    values = torch.rand(rows, classes, generator=generator, dtype=torch.float64)
    return torch.where(torch.rand(values.shape, generator=generator) < 0.5, 0.0, values) if sparse else values + 0.01


@given(st.sampled_from(KINDS), st.integers(2, 8), st.integers(1, 6), st.integers(0, 9999))
@settings(deadline=None, max_examples=150)
def test_an_overlap_is_symmetric_bounded_and_zero_for_disjoint_labels_alone(kind, rows, classes, seed):
    q = rows_of(rows, classes, seed)
    t = overlap(q, kind)
    assert torch.equal(t, t.T)
    assert t.min() >= 0
    assert t.max() <= 1
    some = (q > 0).any(1)
    disjoint = ~((q > 0)[:, None] & (q > 0)).any(-1) & (some[:, None] | some)
    assert (t[disjoint] == 0).all()
    if kind != "exact":
        assert (t[~disjoint] > 0).all()
    if kind != "agreement":
        torch.testing.assert_close(t.diagonal(), torch.ones(rows, dtype=torch.float64))
    order = torch.randperm(classes, generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(overlap(q[:, order], kind), t)


@given(st.integers(2, 8), st.integers(1, 6), st.integers(0, 9999))
@settings(deadline=None, max_examples=150)
def test_jaccard_and_dice_rank_pairs_alike_and_jaccard_is_transitive(rows, classes, seed):
    q = rows_of(rows, classes, seed)
    j, d = overlap(q, "jaccard"), overlap(q, "dice")
    torch.testing.assert_close(j, d / (2 - d))
    assert (j <= d + 1e-12).all()
    through = j[:, :, None] + j[None] - 1  # [a, b, c]: by way of b
    assert (j[:, None] >= through - 1e-12).all()


@given(st.integers(2, 8), st.integers(1, 6), st.integers(0, 9999))
@settings(deadline=None, max_examples=150)
def test_the_kinds_are_in_order_on_distributions(rows, classes, seed):
    p = rows_of(rows, classes, seed, sparse=False)
    p = p / p.sum(1, keepdim=True)
    a, o, b = (overlap(p, kind) for kind in ("agreement", "dice", "bhattacharyya"))
    torch.testing.assert_close(o, 1 - (p[:, None] - p).abs().sum(-1) / 2)  # 1 less the total variation
    slack = 1e-12
    assert (a <= o + slack).all()
    assert (o <= b + slack).all()
    assert (b <= (o * (2 - o)).clamp(min=0).sqrt() + 1e-7).all()


@given(st.integers(2, 6), st.integers(2, 5), st.floats(0, 1), st.integers(0, 9999))
@settings(deadline=None, max_examples=60)
def test_the_overlap_under_a_kernel_is_a_bounded_cosine(rows, classes, rho, seed):
    q = rows_of(rows, classes, seed)
    kernel = cooccurrence_kernel(rows_of(20, classes, seed + 1), rho)
    t = overlap(q, "cooccurrence", kernel)
    assert torch.equal(t, t.T)
    assert t.min() >= 0
    assert t.max() <= 1
    torch.testing.assert_close(t.diagonal(), torch.ones(rows, dtype=torch.float64))


def test_the_mean_loss_of_drawn_raters_is_the_loss_of_their_agreement():
    """A pair loss is affine in its target: one rater drawn for each text gives an unbiased estimate."""
    p, scores = SHARES, torch.tensor(0.3, dtype=torch.float64)

    def loss(t):
        return -t * scores.log() - (1 - t) * (1 - scores).log()

    drawn = sum(p[0, a] * p[1, b] * loss(float(a == b)) for a in range(3) for b in range(3))
    torch.testing.assert_close(drawn, loss(overlap(p, "agreement")[0, 1]))
