"""Plain cross-entropy: the card's numbers, and that it can learn."""

import math
from types import SimpleNamespace

import pytest
import torch

from fecbench import Task
from fecbench_ce import CrossEntropy, CrossEntropyConfig


class Given:
    """A model whose logits are given."""

    def __init__(self, logits):
        self.logits = torch.as_tensor(logits, dtype=torch.float32).requires_grad_()

    def encode(self, batch):
        return self.logits

    def project(self, h):
        return h

    def classify(self, z):
        return z


def loss_of(logits, labels, smoothing=0.0):
    classes = len(logits[0])
    task = Task("toy", tuple(map(str, range(classes))), (), 1, 1, 0)
    objective = CrossEntropy(CrossEntropyConfig(label_smoothing=smoothing), task)
    model = Given(logits)
    (update,) = objective.updates(SimpleNamespace(labels=torch.tensor(labels)), model)
    assert update.player == "model"
    return update.loss, model.logits


@pytest.mark.parametrize(("classes", "expected"), [(32, 3.465736), (27, 3.295837)])
def test_equal_logits_give_log_c(classes, expected):
    loss, _ = loss_of([[0.0] * classes], [3])
    assert loss.item() == pytest.approx(expected, abs=1e-6)
    assert loss.item() == pytest.approx(math.log(classes), abs=1e-6)


@pytest.mark.parametrize(("smoothing", "expected"), [(0.0, 0.634229), (0.1, 0.717562)])
def test_the_cards_numbers(smoothing, expected):
    rows = [[2, 0, -1], [0.5, 0.5, 0.5]]
    assert loss_of(rows, [0, 2], smoothing)[0].item() == pytest.approx(expected, abs=1e-6)
    shifted = [[value + 7 for value in rows[0]], rows[1]]
    assert loss_of(shifted, [0, 2], smoothing)[0].item() == pytest.approx(expected, abs=1e-5)


def test_the_gradient_is_softmax_minus_one_hot_over_b():
    loss, logits = loss_of([[2, 0, -1], [0.5, 0.5, 0.5]], [0, 2])
    (gradient,) = torch.autograd.grad(loss, logits)
    expected = (logits.softmax(1) - torch.nn.functional.one_hot(torch.tensor([0, 2]), 3)) / 2
    torch.testing.assert_close(gradient, expected)
    torch.testing.assert_close(gradient.sum(1), torch.zeros(2), atol=1e-7, rtol=0)


def test_bf16_logits_are_raised():
    model = SimpleNamespace(
        encode=lambda batch: torch.randn(4, 5).bfloat16(), project=lambda h: h, classify=lambda z: z
    )
    (update,) = CrossEntropy(CrossEntropyConfig(), Task("toy", tuple("abcde"), (), 1, 1, 0)).updates(
        SimpleNamespace(labels=torch.tensor([0, 1, 2, 3])), model
    )
    assert update.loss.dtype == torch.float32
