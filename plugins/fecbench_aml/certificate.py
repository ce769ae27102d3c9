"""How bad the pair loss of a trained encoder can be made: an attack on its features over each family of discriminators.

The paper's propositions 1 and 2 bound scores and margins by ``eps``, the loss under a discriminator. They hold for every discriminator, so
the interesting one is the worst. It is searched for by projected gradient ascent on ``L_aml`` over phi, the features being frozen.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn

from fecbench_aml.discriminator import MetricDiscriminator, PairDiscriminator
from fecbench_aml.losses import aml_loss
from fecbench_aml.mining import HardPairs

Discriminator = PairDiscriminator | MetricDiscriminator
D = TypeVar("D", PairDiscriminator, MetricDiscriminator)
LOG2 = math.log(2)
DELTA = 0.1


@dataclass(frozen=True)
class Certificate:
    """What one discriminator makes of a set of pairs, and what the propositions allow at its loss.

    Attributes:
        loss: ``eps``, the ``L_aml`` of the pairs.
        positive_score: mean score of the hard positives, and the least that proposition 1 allows.
        negative_score: mean score of the hard negatives, and the most that it allows.
        positive_tail: share of the hard positives with a score of at most ``DELTA``, and the most that Markov's inequality allows.
        negative_tail: share of the hard negatives with a score of at least ``1 - DELTA``, and the most that it allows.
        violated: share of pairs with a margin of at most 0, the kinds weighted as in the loss, and the most that proposition 2 allows.
    """

    loss: float
    positive_score: tuple[float, float]
    negative_score: tuple[float, float]
    positive_tail: tuple[float, float]
    negative_tail: tuple[float, float]
    violated: tuple[float, float]


@dataclass(frozen=True)
class Target:
    """What is attacked: features ``z [N, d]``, pairs of them (all valid, both kinds present), and the loss's weight of the positives."""

    z: Tensor
    pairs: HardPairs
    w_pos: float

    def loss(self, discriminator: Discriminator) -> Tensor:
        """``L_aml`` under ``discriminator``, with gradient."""
        return aml_loss(discriminator.between(self.z, self.pairs.i, self.pairs.j), self.pairs.target, w_pos=self.w_pos)

    @torch.no_grad()
    def certificate(self, discriminator: Discriminator) -> Certificate:
        """The figures under ``discriminator``."""
        return certify(discriminator.between(self.z, self.pairs.i, self.pairs.j), self.pairs.target, self.w_pos)

    def worst(self, discriminators: Iterable[Discriminator]) -> Certificate:
        """The certificate with the greatest loss."""
        return max(map(self.certificate, discriminators), key=lambda certificate: certificate.loss)


def certify(logits: Tensor, target: Tensor, w_pos: float) -> Certificate:
    """The figures of ``logits [P]`` with targets ``[P]``, of both kinds."""
    w_neg, logits = 1 - w_pos, logits.double()
    eps = aml_loss(logits, target, w_pos=w_pos).item()
    positive, negative = logits[target > 0.5], logits[target <= 0.5]
    violated = w_pos * _share(positive <= 0) + w_neg * _share(negative >= 0)
    return Certificate(
        eps,
        (positive.sigmoid().mean().item(), math.exp(-eps / w_pos)),
        (negative.sigmoid().mean().item(), 1 - math.exp(-eps / w_neg)),
        (_share(positive.sigmoid() <= DELTA), eps / (w_pos * -math.log(DELTA))),
        (_share(negative.sigmoid() >= 1 - DELTA), eps / (w_neg * -math.log(DELTA))),
        (violated, eps / LOG2),
    )


def _share(condition: Tensor) -> float:
    return condition.double().mean().item()


def attack_mlp(target: Target, start: PairDiscriminator, norm: float, steps: int) -> PairDiscriminator:
    """The worst point of ``steps`` ascents of ``L_aml`` from ``start`` with ``||phi|| <= norm``; ``start`` becomes it."""

    def project() -> None:
        scale(start, min(1.0, norm / parameter_norm(start)))

    return _ascend(target, start, project, norm / 10, steps)


def attack_metric(target: Target, start: MetricDiscriminator, steps: int) -> MetricDiscriminator:
    """The same over the weighted distances; their softmax keeps the weights on the simplex."""
    return _ascend(target, start, lambda: None, 1.0, steps)


def _ascend(target: Target, found: D, project: Callable[[], None], step: float, steps: int) -> D:
    """Steps along the gradient, of a length that falls from ``step`` to a tenth of it; ends in the best point met."""
    parameters: list[Tensor] = list(found.parameters())
    best, highest = parameters, -math.inf
    for number in range(steps + 1):
        with torch.no_grad():
            project()
        loss = target.loss(found)
        if loss.item() > highest:
            highest, best = loss.item(), [parameter.detach().clone() for parameter in parameters]
        gradients = torch.autograd.grad(loss, parameters)
        length = float(torch.cat([gradient.flatten() for gradient in gradients]).norm().clamp(min=1e-30))
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.add_(gradient, alpha=step * (1 - 0.9 * number / steps) / length)
    with torch.no_grad():
        for parameter, value in zip(parameters, best, strict=True):
            parameter.copy_(value)
    return found


@torch.no_grad()
def worst_direction(target: Target) -> float:
    """The greatest ``L_aml`` over all weighted distances, exactly.

    A logit is linear in the weights and ``-log sigmoid`` is convex, so ``L_aml`` is convex in them and greatest at a corner of the
    simplex, where one coordinate alone counts: d evaluations.
    """
    z, dim = target.z, target.z.shape[1]
    alone = MetricDiscriminator(1).to(z)  # its one weight is 1; the corner's is d
    return max(
        Target(z[:, k : k + 1] * math.sqrt(dim), target.pairs, target.w_pos).loss(alone).item() for k in range(dim)
    )


def parameter_norm(module: nn.Module) -> float:
    """``||phi||``, over all parameters."""
    return float(torch.cat([parameter.detach().flatten() for parameter in module.parameters()]).norm())


@torch.no_grad()
def scale(module: nn.Module, factor: float) -> None:
    """Multiply every parameter by ``factor``."""
    for parameter in module.parameters():
        parameter.mul_(factor)


def mlp_starts(
    trained: PairDiscriminator | None, like: PairDiscriminator, norm: float, restarts: int
) -> Iterator[PairDiscriminator]:
    """The trained discriminator, if there is one, then fresh ones scaled to ``norm``; ``restarts`` in all."""
    dim, hidden = like.first.in_features // 4, like.first.out_features
    for number in range(restarts):
        start = PairDiscriminator(dim, hidden, like.symmetric)
        if number == 0 and trained is not None:
            start.load_state_dict(trained.state_dict())
        else:
            scale(start, norm / parameter_norm(start))
        yield start


def metric_starts(trained: MetricDiscriminator | None, dim: int, restarts: int) -> Iterator[MetricDiscriminator]:
    """The trained discriminator or even weights, then random weights; ``restarts`` in all."""
    for number in range(restarts):
        start = MetricDiscriminator(dim)
        if number == 0 and trained is not None:
            start.load_state_dict(trained.state_dict())
        elif number:
            nn.init.normal_(start.preference)
        yield start
