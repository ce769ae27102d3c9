"""Both families of discriminators against slow loops, and what makes one of them a family of metrics."""

import itertools
import math

import pytest
import torch

from fecbench_aml import MetricDiscriminator, PairDiscriminator


def slow_score(d: PairDiscriminator, a, b):
    """The mean score of both orders, by the paper's features [a; b; |a - b|; a * b]."""

    def score(a, b):
        x = torch.cat([a, b, (a - b).abs(), a * b])
        return torch.sigmoid(d.last(torch.relu(d.second(torch.relu(d.first(x))))))

    return (score(a, b) + score(b, a)) / 2 if d.symmetric else score(a, b)


@pytest.mark.parametrize("symmetric", [True, False])
def test_discriminator_is_the_papers_on_every_pair(symmetric):
    torch.manual_seed(0)
    d = PairDiscriminator(6, hidden=8, symmetric=symmetric).double()
    z = torch.randn(5, 6, dtype=torch.float64)
    i, j = (torch.tensor(part) for part in zip(*itertools.product(range(5), repeat=2), strict=True))
    found = d.between(z, i, j)
    expected = torch.stack([slow_score(d, z[a], z[b]) for a, b in zip(i, j, strict=True)]).squeeze()
    torch.testing.assert_close(torch.sigmoid(found), expected, atol=1e-12, rtol=1e-12)
    torch.testing.assert_close(d(z[i], z[j]), found)
    assert torch.allclose(d(z[j], z[i]), found) == symmetric


def test_discriminator_gradients_are_those_of_the_slow_form():
    torch.manual_seed(0)
    d = PairDiscriminator(4, hidden=6).double()
    z = torch.randn(4, 4, dtype=torch.float64, requires_grad=True)
    i, j = torch.tensor([0, 0, 1, 3]), torch.tensor([1, 0, 2, 1])
    fast = torch.autograd.grad(torch.sigmoid(d.between(z, i, j)).sum(), [z, *d.parameters()])
    slow = torch.autograd.grad(
        sum(slow_score(d, z[a], z[b]).sum() for a, b in zip(i, j, strict=True)), [z, *d.parameters()]
    )
    for found, expected in zip(fast, slow, strict=True):
        torch.testing.assert_close(found, expected, atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize(
    ("u", "v"), [(300.0, 300.0), (-300.0, -300.0), (300.0, -300.0), (40.0, 41.0), (0.0, 0.0), (1.0, -2.0)]
)
def test_the_logit_of_the_mean_score_does_not_cancel(u, v):
    from fecbench_aml.discriminator import mean_score_logit

    found = mean_score_logit(torch.tensor(u), torch.tensor(v))
    log_half = math.log(0.5)
    exact = {
        (300.0, 300.0): 300.0,
        (-300.0, -300.0): -300.0,
        (300.0, -300.0): 0.0,
        (40.0, 41.0): -log_half + 41 - math.log1p(math.e) + 0.0,
        (0.0, 0.0): 0.0,
    }.get((u, v))
    if exact is None:
        mean = (1 / (1 + math.exp(-u)) + 1 / (1 + math.exp(-v))) / 2
        exact = math.log(mean / (1 - mean))
    assert found.item() == pytest.approx(exact, abs=1e-4)
    assert mean_score_logit(torch.tensor(u).bfloat16(), torch.tensor(v).bfloat16()).dtype == torch.float32


def test_no_tensor_of_four_widths_a_pair_exists():
    """Of everything autograd keeps for the backward pass, nothing is [P, 4d]."""
    d, z = PairDiscriminator(32, hidden=16), torch.randn(10, 32, requires_grad=True)
    i, j = torch.randint(0, 10, (2, 500))
    sizes = []
    with torch.autograd.graph.saved_tensors_hooks(lambda x: sizes.append(x.numel()) or x, lambda x: x):
        d.between(z, i, j)
    assert max(sizes) <= 500 * 32


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
    expected = [
        4 * (1 - sum(w[k] * float(z[a, k] - z[b, k]) ** 2 for k in range(6))) for a, b in zip(i, j, strict=True)
    ]
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
