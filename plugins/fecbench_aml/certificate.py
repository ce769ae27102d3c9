"""Worst-case pair loss of a trained encoder over each family of discriminators.

Propositions 1 and 2 of the paper (section 3.2, proofs in appendix A) bound scores and margins by ``eps``,
the largest pair loss over all discriminators; :mod:`fecbench_aml.bounds` has these bounds, also for graded
targets. Projected gradient ascent on ``L_aml`` over phi searches for that discriminator while the encoder's
features stay frozen.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn

from fecbench_aml.bounds import kl_inverse, margin_bound, tail_bound
from fecbench_aml.discriminator import MetricDiscriminator, PairDiscriminator
from fecbench_aml.losses import aml_excess, aml_loss
from fecbench_aml.mining import HardPairs

Discriminator = PairDiscriminator | MetricDiscriminator
D = TypeVar("D", PairDiscriminator, MetricDiscriminator)
DELTA = 0.1


@dataclass(frozen=True)
class Certificate:
    """Scores of a set of pairs under one discriminator, each with the bound that the propositions give at its loss.

    Attributes:
        loss: ``eps``, the ``L_aml`` of the pairs.
        positive_score: mean score of the hard positives, and its lower bound (proposition 1, mean scores).
        negative_score: mean score of the hard negatives, and its upper bound (proposition 1, mean scores).
        positive_tail: share of the hard positives scored at most ``DELTA``, and its upper bound
            (proposition 1, tails).
        negative_tail: share of the hard negatives scored at least ``1 - DELTA``, and its upper bound (the
            same).
        violated: share of pairs with a margin of at most 0, both kinds weighted as in the loss, and its
            upper bound (proposition 2 and corollary 1 at ``m = 0``; for the weighted mixture, not for the
            pooled share). Pairs of target 1/2 have no margin and count as not violated.
        floor: weighted mean entropy of the targets, the least ``eps`` that any scores have; 0 for hard targets.
        positive_error: mean distance of score and target of the hard positives, and its upper bound
            (Pinsker's inequality).
        negative_error: the same of the hard negatives.
    """

    loss: float
    positive_score: tuple[float, float]
    negative_score: tuple[float, float]
    positive_tail: tuple[float, float]
    negative_tail: tuple[float, float]
    violated: tuple[float, float]
    floor: float
    positive_error: tuple[float, float]
    negative_error: tuple[float, float]


@dataclass(frozen=True)
class Target:
    """Frozen features and hard pairs to attack.

    Attributes:
        z: features ``[N, d]``.
        pairs: pairs of their rows, all valid, with positives and negatives among them.
        w_pos: weight of the hard positives in the loss.
    """

    z: Tensor
    pairs: HardPairs
    w_pos: float

    def loss(self, discriminator: Discriminator) -> Tensor:
        """Return ``L_aml`` under ``discriminator``, with gradient."""
        logits = discriminator.between(self.z, self.pairs.i, self.pairs.j)
        return aml_loss(logits, self.pairs.target, positive=self.pairs.positive, w_pos=self.w_pos)

    @torch.no_grad()
    def certificate(self, discriminator: Discriminator) -> Certificate:
        """Return the scores and bounds under ``discriminator``."""
        logits = discriminator.between(self.z, self.pairs.i, self.pairs.j)
        return certify(logits, self.pairs.target, self.w_pos, self.pairs.positive)

    def worst(self, discriminators: Iterable[Discriminator]) -> Certificate:
        """Return the certificate of the discriminator with the largest loss."""
        return max(map(self.certificate, discriminators), key=lambda certificate: certificate.loss)


def certify(logits: Tensor, target: Tensor, w_pos: float, positive: Tensor | None = None) -> Certificate:
    """Compute scores and bounds of pairs of both kinds.

    Args:
        logits: ``[P]``.
        target: ``[P]``, between 0 and 1.
        w_pos: weight of the hard positives in the loss.
        positive: bool ``[P]``, True for a hard positive; by default pairs of a target above 1/2.
    """
    logits, target, w_neg = logits.double(), target.double(), 1 - w_pos
    positive = target > 0.5 if positive is None else positive
    eps = aml_loss(logits, target, positive=positive, w_pos=w_pos).item()
    excess = max(0.0, aml_excess(logits, target, positive=positive, w_pos=w_pos).item())
    high, low = logits[positive].sigmoid(), logits[~positive].sigmoid()
    high_target, low_target = target[positive], target[~positive]
    return Certificate(
        loss=eps,
        positive_score=(_mean(high), kl_inverse(_mean(high_target), excess / w_pos)[0]),
        negative_score=(_mean(low), kl_inverse(_mean(low_target), excess / w_neg)[1]),
        positive_tail=(_mean(high <= DELTA), tail_bound(high_target.min().item(), excess, w_pos, DELTA)),
        negative_tail=(_mean(low >= 1 - DELTA), tail_bound(1 - low_target.max().item(), excess, w_neg, DELTA)),
        violated=(_violated(logits, target, positive, w_pos), margin_bound(eps, excess, _ambiguity(target))),
        floor=eps - excess,
        positive_error=(_mean((high - high_target).abs()), math.sqrt(excess / w_pos / 2)),
        negative_error=(_mean((low - low_target).abs()), math.sqrt(excess / w_neg / 2)),
    )


def _violated(logits: Tensor, target: Tensor, positive: Tensor, w_pos: float) -> float:
    """Return the weighted share of pairs that have a side and a margin of at most 0."""
    violated = ((target > 0.5) & (logits <= 0)) | ((target < 0.5) & (logits >= 0))
    return w_pos * _mean(violated[positive]) + (1 - w_pos) * _mean(violated[~positive])


def _ambiguity(target: Tensor) -> float:
    """Return the greatest ``min(t, 1 - t)`` of the pairs that have a side, 0 if no pair has."""
    ambiguity = torch.minimum(target, 1 - target)
    return float(torch.where(ambiguity < 0.5, ambiguity, 0.0).max())


def _mean(values: Tensor) -> float:
    return values.double().mean().item()


def attack_mlp(target: Target, start: PairDiscriminator, norm: float, steps: int) -> PairDiscriminator:
    """Move ``start`` to the worst discriminator that ``steps`` gradient steps find within ``||phi|| <= norm``.

    Without the bound on the norm the maximum of ``L_aml`` over MLPs is infinite.
    """

    def project() -> None:
        scale(start, min(1.0, norm / parameter_norm(start)))

    return _ascend(target, start, project, norm / 10, steps)


def attack_metric(target: Target, start: MetricDiscriminator, steps: int) -> MetricDiscriminator:
    """Move ``start`` to the worst weighted distance that ``steps`` gradient steps find.

    No projection is needed: the softmax keeps the weights on the simplex.
    """
    return _ascend(target, start, lambda: None, 1.0, steps)


def _ascend(target: Target, discriminator: D, project: Callable[[], None], step: float, steps: int) -> D:
    """Climb along the normalised gradient and keep the best point; step lengths fall from ``step`` to a tenth of it."""
    parameters: list[Tensor] = list(discriminator.parameters())
    best, highest = parameters, -math.inf
    for number in range(steps + 1):
        with torch.no_grad():
            project()
        loss = target.loss(discriminator)
        if loss.item() > highest:
            highest, best = loss.item(), [parameter.detach().clone() for parameter in parameters]
        gradients = torch.autograd.grad(loss, parameters)
        # Clamped, because a gradient can be 0, for example behind ReLUs that are all off.
        length = float(torch.cat([gradient.flatten() for gradient in gradients]).norm().clamp(min=1e-30))
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.add_(gradient, alpha=step * (1 - 0.9 * number / steps) / length)
    with torch.no_grad():
        for parameter, value in zip(parameters, best, strict=True):
            parameter.copy_(value)
    return discriminator


@torch.no_grad()
def worst_direction(target: Target) -> float:
    """Return the exact maximum of ``L_aml`` over all weighted distances.

    A logit is linear in the weights and ``-log sigmoid`` is convex, so ``L_aml`` is convex in the weights
    and has its maximum at a corner of the simplex, where a single coordinate counts. This takes d
    evaluations.
    """
    z, dim = target.z, target.z.shape[1]
    # A corner gives its coordinate the weight d. A one-dimensional discriminator has the weight 1, so z is scaled.
    one_coordinate = MetricDiscriminator(1).to(z)
    corners = (Target(z[:, k : k + 1] * math.sqrt(dim), target.pairs, target.w_pos) for k in range(dim))
    return max(corner.loss(one_coordinate).item() for corner in corners)


def parameter_norm(module: nn.Module) -> float:
    """Return ``||phi||``, the Euclidean norm of all parameters together."""
    return float(torch.cat([parameter.detach().flatten() for parameter in module.parameters()]).norm())


@torch.no_grad()
def scale(module: nn.Module, factor: float) -> None:
    """Multiply every parameter by ``factor``."""
    for parameter in module.parameters():
        parameter.mul_(factor)


def mlp_starts(
    trained: PairDiscriminator | None, like: PairDiscriminator, norm: float, restarts: int
) -> Iterator[PairDiscriminator]:
    """Yield ``restarts`` starting points: the trained discriminator if there is one, then new ones scaled to ``norm``.

    New ones have the shape of ``like``.
    """
    dim, hidden = like.first.in_features // 4, like.first.out_features  # the input has four blocks of width dim
    for number in range(restarts):
        start = PairDiscriminator(dim, hidden, like.symmetric)
        if number == 0 and trained is not None:
            start.load_state_dict(trained.state_dict())
        else:
            scale(start, norm / parameter_norm(start))
        yield start


def metric_starts(trained: MetricDiscriminator | None, dim: int, restarts: int) -> Iterator[MetricDiscriminator]:
    """Yield ``restarts`` starting points: the trained discriminator or equal weights, then random weights."""
    for number in range(restarts):
        start = MetricDiscriminator(dim)
        if number == 0 and trained is not None:
            start.load_state_dict(trained.state_dict())
        elif number:
            nn.init.normal_(start.preference)
        yield start
