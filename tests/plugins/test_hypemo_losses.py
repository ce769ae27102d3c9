"""HypEmo's arithmetic of the ball, and its losses."""

import math

import pytest
import torch
from torch.nn.functional import cross_entropy

from fecbench_hypemo import (
    BallProjector,
    HypEmoHead,
    hyperbolic_loss,
    label_distances,
    weighted_cross_entropy,
)
from fecbench_hypemo.ball import distance, exp0, log0, mobius_add, mobius_matvec
from tests.support.ball import inside

X, V = torch.tensor([0.1, 0.2]), torch.tensor([0.3, -0.4])
MATRIX = torch.tensor([[1.0, 2.0], [0.0, 1.0]])


def close(found, expected, within=1e-6):
    assert found.flatten().tolist() == pytest.approx(torch.as_tensor(expected).flatten().tolist(), abs=within)


def test_the_cards_arithmetic():
    close(distance(torch.zeros(2), V), 1.098612)
    close(distance(X, V), 1.385124)
    close(exp0(torch.tensor([0.3, 0.4])), [0.277270, 0.369694])
    close(mobius_add(X, V), [0.438356, -0.164384])
    close(mobius_matvec(MATRIX, X), [0.463169, 0.185267])
    close(exp0(torch.tensor([3.0, 4.0])), [0.5976, 0.7968])


def test_the_balls_laws():
    torch.manual_seed(0)
    x, y = inside(2, 50, 7)
    torch.testing.assert_close(log0(exp0(3 * x)), 3 * x)
    torch.testing.assert_close(mobius_matvec(torch.eye(7, dtype=torch.float64), x), x)
    torch.testing.assert_close(mobius_add(torch.zeros_like(y), y), y)
    torch.testing.assert_close(mobius_add(-x, x), torch.zeros_like(x))
    torch.testing.assert_close(distance(x, y), distance(y, x))
    torch.testing.assert_close(distance(torch.zeros_like(x), x), 2 * x.norm(dim=1).atanh())
    assert distance(x, x).eq(0).all()
    torch.testing.assert_close(distance(x, y), 2 * mobius_add(-x, y).norm(dim=1).atanh())


@pytest.mark.parametrize(("dtype", "longest"), [(torch.float32, 0.996), (torch.float64, 1 - 1e-5)])
def test_both_maps_keep_away_from_the_border(dtype, longest):
    direction = torch.ones(3, 7, dtype=dtype) / 7**0.5
    assert exp0(20 * direction).norm(dim=1).tolist() == pytest.approx([longest] * 3)
    turned = mobius_matvec(5 * torch.eye(7, dtype=dtype), 0.99 * direction)
    assert turned.norm(dim=1).tolist() == pytest.approx([longest] * 3)
    torch.testing.assert_close(log0(2 * direction), math.atanh(longest) * direction)


def test_distances_are_those_of_the_formula_with_arcosh():
    torch.manual_seed(0)
    x, y = inside(2, 30, 4)
    for a, b, found in zip(x.tolist(), y.tolist(), distance(x, y).tolist(), strict=True):
        squares = [sum(p * p for p in point) for point in (a, b, [p - q for p, q in zip(a, b, strict=True)])]
        assert found == pytest.approx(math.acosh(1 + 2 * squares[2] / ((1 - squares[0]) * (1 - squares[1]))), abs=1e-9)


def test_zero_and_the_border_have_finite_gradients():
    rows = torch.tensor([[0.0, 0.0], [1e-30, 0.0], [1e-4, 0.0], [100.0, -3.0]], requires_grad=True)
    assert mobius_matvec(MATRIX, torch.zeros(1, 2)).equal(torch.zeros(1, 2))
    points = mobius_matvec(MATRIX, exp0(rows))
    assert points.isfinite().all()
    total = (
        log0(points).sum()
        + distance(points, points.detach()).sum()
        + distance(points, V).sum()
        + mobius_add(points, X).sum()
    )
    assert torch.autograd.grad(total, rows)[0].isfinite().all()


def projected(activation="relu"):
    """The card's example: a projector of two coordinates and what goes in."""
    projector = BallProjector(3, 3, dim=2, activation=activation).eval()
    with torch.no_grad():
        projector.weight.copy_(torch.tensor([[1.0, 2, 0], [0, -1, 0.5]]))
        projector.bias.copy_(torch.tensor([0.1, -0.05]))
        projector.decoder.weight.copy_(torch.tensor([[1.0, 0], [0, 1], [-1, 1]]))
        projector.decoder.bias.zero_()
    z = torch.tensor([[0.2, 0.1, 0], [1, 0.5, 2]], requires_grad=True)
    return projector, z, projector(z)


VECTORS = torch.tensor([[0.5, 0.3], [-0.6, 0.2], [0.1, -0.7]])
LABELS = torch.tensor([0, 2])
LOGITS = torch.tensor([[1.0, 0, 0], [0, 1, 0]])


def test_the_cards_losses():
    projector, _, points = projected()
    close(points, [[0.463040, 0], [0.945158, 0.232303]])
    weights = label_distances(points, VECTORS, LABELS)
    close(weights, [0.816674, 5.490277], within=1e-5)
    weighted = weighted_cross_entropy(LOGITS, LABELS, weights)
    assert weighted.item() == pytest.approx(4.484106, abs=1e-5)
    decoded = projector.decode(points)
    assert cross_entropy(decoded, LABELS).item() == pytest.approx(2.276540, abs=1e-5)
    close((points * VECTORS[LABELS]).sum(1), [0.231520, -0.068096])
    for reduction, expected in (("sum", 5.012385), ("mean", 5.032813)):
        total = weighted + 0.25 * hyperbolic_loss(points, decoded, VECTORS, LABELS, reduction=reduction)
        assert total.item() == pytest.approx(expected, abs=1e-5)


def test_without_its_activation_the_layer_leaves_the_positive_orthant():
    _, _, points = projected("none")
    assert points[0, 1] < 0
    assert projected()[2][0, 1] == 0


def test_weights_pass_no_gradient_and_equal_ones_leave_cross_entropy():
    _, z, points = projected()
    assert not label_distances(points, VECTORS, LABELS).requires_grad
    logits = (LOGITS + z.sum()).clone()
    weighted = weighted_cross_entropy(logits, LABELS, torch.ones(2))
    assert weighted.item() == pytest.approx(cross_entropy(logits, LABELS).item(), abs=1e-7)
    scaled = weighted_cross_entropy(LOGITS + z[:, :1] * VECTORS[0, 0], LABELS, label_distances(points, VECTORS, LABELS))
    constant = weighted_cross_entropy(LOGITS + z[:, :1] * VECTORS[0, 0], LABELS, torch.tensor([0.816674, 5.490277]))
    torch.testing.assert_close(*(torch.autograd.grad(loss, z)[0] for loss in (scaled, constant)))


def test_losses_and_gradients_are_those_of_a_loop():
    torch.manual_seed(0)
    points, vectors, labels = inside(6, 4).requires_grad_(), inside(3, 4), torch.tensor([0, 2, 2, 1, 0, 2])
    logits, decoded = (torch.randn(6, 3, dtype=torch.float64, requires_grad=True) for _ in range(2))
    fast = 0.9 * weighted_cross_entropy(logits, labels, label_distances(points, vectors, labels))
    fast = fast + 0.1 * hyperbolic_loss(points, decoded, vectors, labels)
    slow = 0
    for i, y in enumerate(labels.tolist()):
        e, v = points[i], vectors[y]
        with torch.no_grad():
            w = math.acosh(1 + 2 * ((e - v) @ (e - v)).item() / ((1 - e @ e).item() * (1 - v @ v).item()))
        slow = slow + 0.9 * w * (logits[i].exp().sum().log() - logits[i, y]) / 6
        slow = slow + 0.1 * ((decoded[i].exp().sum().log() - decoded[i, y]) / 6 - e @ v)
    assert fast.item() == pytest.approx(slow.item(), abs=1e-10)
    for ours, theirs in zip(
        *(torch.autograd.grad(loss, (points, logits, decoded)) for loss in (fast, slow)), strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)


def test_bf16_logits_are_raised_and_permuting_changes_nothing():
    torch.manual_seed(0)
    logits, labels, weights = torch.randn(32, 9), torch.randint(0, 9, (32,)), torch.rand(32) * 12
    loss = weighted_cross_entropy(logits, labels, weights)
    order = torch.randperm(32)
    torch.testing.assert_close(weighted_cross_entropy(logits[order], labels[order], weights[order]), loss)
    rough = weighted_cross_entropy(logits.bfloat16(), labels, weights)
    assert rough.dtype == torch.float32
    assert rough.item() == pytest.approx(loss.item(), rel=1e-2)


def test_an_unknown_reduction_is_named():
    with pytest.raises(ValueError, match="reduction must be 'sum' or 'mean', found 'max'"):
        hyperbolic_loss(VECTORS, VECTORS, VECTORS, torch.arange(3), reduction="max")


@pytest.mark.parametrize("classes", [32, 27])
def test_parts_are_as_large_as_the_card_says(classes):
    def count(module):
        return sum(parameter.numel() for parameter in module.parameters())

    assert count(BallProjector(768, classes)) == 76_900 + 101 * classes
    assert count(HypEmoHead(768, classes)) == 590_592 + 769 * classes
