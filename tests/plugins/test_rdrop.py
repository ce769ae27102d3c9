"""R-Drop: the loss of equation 4 on given logits, and what it reduces to."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from fecbench import Task
from fecbench_rdrop import RDrop, RDropConfig, symmetric_kl

TASK = Task("toy", tuple("abcd"), tuple("abcd"), 4, 4, 0)


def slow_symmetric_kl(first, second):
    total = 0.0
    for one, other in zip(first, second, strict=True):
        p, q = np.exp(one) / np.exp(one).sum(), np.exp(other) / np.exp(other).sum()
        total += ((p * np.log(p / q)).sum() + (q * np.log(q / p)).sum()) / 2
    return total / len(first)


def test_the_divergence_is_that_of_a_slow_loop():
    first, second = np.random.default_rng(0).normal(size=(2, 7, 5))
    found = symmetric_kl(torch.from_numpy(first), torch.from_numpy(second))
    assert found.item() == pytest.approx(slow_symmetric_kl(first, second), abs=1e-12)
    assert found.item() == pytest.approx(
        symmetric_kl(torch.from_numpy(second), torch.from_numpy(first)).item(), abs=1e-12
    )


def test_bf16_logits_are_raised():
    assert symmetric_kl(torch.randn(3, 4).bfloat16(), torch.randn(3, 4).bfloat16()).dtype == torch.float32


def update_of(logits, labels, weight):
    """The update for logits of both passes, ``[2 B, C]``."""
    given = torch.tensor(logits, requires_grad=True)
    model = SimpleNamespace(encode=lambda batch: given, project=lambda h: h, classify=lambda z: z)
    batch = SimpleNamespace(doubled=lambda: SimpleNamespace(labels=torch.tensor(labels).repeat(2)))
    (update,) = RDrop(RDropConfig(weight=weight), TASK).updates(batch, model)
    return update, given


def test_the_loss_is_equation_4_with_half_of_alpha():
    logits, labels, alpha = np.random.default_rng(1).normal(size=(6, 4)), [0, 3, 1], 5.0
    log_p = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    nll = -sum(log_p[row, label] + log_p[row + 3, label] for row, label in enumerate(labels)) / 3
    update, _ = update_of(logits, labels, alpha / 2)
    assert 2 * update.loss.item() == pytest.approx(nll + alpha * slow_symmetric_kl(logits[:3], logits[3:]), abs=1e-6)


def test_equal_passes_are_cross_entropy():
    logits = np.random.default_rng(2).normal(size=(3, 4))
    update, _ = update_of(np.concatenate([logits, logits]), [0, 3, 1], 7.0)
    expected = torch.nn.functional.cross_entropy(torch.from_numpy(logits).float(), torch.tensor([0, 3, 1]))
    assert update.loss.item() == pytest.approx(expected.item(), abs=1e-6)
    assert update.logs["divergence"].item() == pytest.approx(0, abs=1e-7)


def test_both_passes_get_the_divergences_gradient():
    logits = np.random.default_rng(3).normal(size=(4, 3))
    with_it, given = update_of(logits, [0, 1], 1.0)
    without, alone = update_of(logits, [0, 1], 0.0)
    (gradient,), (plain,) = torch.autograd.grad(with_it.loss, given), torch.autograd.grad(without.loss, alone)
    assert ((gradient - plain).abs().sum(1) > 1e-3).all()
