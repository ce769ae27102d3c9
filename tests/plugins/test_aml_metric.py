"""The discriminator's metric family against a slow loop, and what makes it a family of metrics."""

import pytest
import torch

from fecbench_aml import MetricDiscriminator


def drawn(dim=6, dtype=torch.float64):
    torch.manual_seed(0)
    d = MetricDiscriminator(dim).to(dtype)
    torch.nn.init.normal_(d.preference)
    return d, torch.randn(5, dim, dtype=dtype)


def test_logits_are_the_cards():
    d, z = drawn()
    exponentials = [float(x.exp()) for x in d.preference.detach()]
    w = [len(exponentials) * e / sum(exponentials) for e in exponentials]
    i, j = torch.tensor([0, 1, 2, 2]), torch.tensor([3, 1, 4, 0])
    expected = [4 * (1 - sum(w[k] * float(z[a, k] - z[b, k]) ** 2 for k in range(6))) for a, b in zip(i, j, strict=True)]
    assert d.between(z, i, j).tolist() == pytest.approx(expected)
    torch.testing.assert_close(d(z[i], z[j]), d.between(z, i, j))
    torch.testing.assert_close(d(z[j], z[i]), d(z[i], z[j]))


def test_weights_are_not_negative_and_have_mean_one():
    d, _ = drawn()
    assert (d.weights >= 0).all()
    assert d.weights.mean().item() == pytest.approx(1)


def test_nothing_is_more_similar_than_equal_features():
    d, z = drawn()
    rows = torch.arange(5)
    assert (d.between(z, rows, rows) == 4).all()
    assert (d.between(z, rows, rows.roll(1)) < 4).all()


def test_bf16_features_and_autocast_give_float32_logits():
    d, z = drawn(dtype=torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = d(z.bfloat16(), z.bfloat16().roll(1, 0))
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, d(z.bfloat16().float(), z.bfloat16().float().roll(1, 0)))
