"""Candidates of hard-pair mining, and the order in which they are mined.

Two texts of hard labels have one label or two. In general a pair has a target, the overlap of its texts' labels: 1
stands for one label, 0 for two, and for these the mining of both is the same, to the index.
"""

from typing import NamedTuple, Self

import torch
from torch import Tensor


class Candidates(NamedTuple):
    """Pairs of a batch; tensors ``[anchors, pairs]``, where row i holds the pairs of anchor i.

    Attributes:
        target: float, the target of each pair.
        positive: bool, True for candidates for hard positives.
        negative: bool, True for candidates for hard negatives; a pair may be a candidate for both.
        positive_key: float, mined in ascending order among ``positive``.
        negative_key: float, mined in ascending order among ``negative``.
    """

    target: Tensor
    positive: Tensor
    negative: Tensor
    positive_key: Tensor
    negative_key: Tensor

    def without(self, left_out: Tensor | None) -> Self:
        """Return the candidates without the pairs where ``left_out``, a mask of the same shape, is True."""
        if left_out is None:
            return self
        return self._replace(positive=self.positive & ~left_out, negative=self.negative & ~left_out)


def of_labels(same: Tensor, similarity: Tensor) -> Candidates:
    """Return the candidates of hard labels: least similar positives and most similar negatives first.

    This is section 3.3.1 of the paper. With random numbers as ``similarity`` the order is random.

    Args:
        same: bool ``[anchors, pairs]``, True for pairs of one label.
        similarity: float ``[anchors, pairs]``.
    """
    return Candidates(same.to(similarity.dtype), same, ~same, similarity, -similarity)


def of_targets(target: Tensor, similarity: Tensor, alpha: float | Tensor, beta: float | Tensor) -> Candidates:
    """Return the candidates of graded targets: pairs whose similarity is furthest from that of their target first.

    ``alpha + beta t`` is the cosine that a pair of target t should have. The residual ``alpha + beta t - o`` is
    positive if its features are less alike than its labels. A graded pair is a candidate on the side on which its
    features are wrong; pairs of target 1 and 0 always are, on their own side.

    Args:
        target: float ``[anchors, pairs]``, t.
        similarity: float ``[anchors, pairs]``, o.
        alpha: expected cosine at target 0.
        beta: slope, 0 at least.
    """
    residual = alpha + beta * target - similarity
    return Candidates(
        target,
        (target > 0) & ((residual > 0) | (target == 1)),
        (target < 1) & ((residual < 0) | (target == 0)),
        # The residual but for constants, written so that keys of targets 1 and 0 are similarities without rounding.
        similarity + beta * (1 - target),
        beta * target - similarity,
    )


def at_random(target: Tensor, noise: Tensor) -> Candidates:
    """Return the candidates of graded targets in random order.

    Positives are drawn without replacement with weights t, negatives with weights ``1 - t``: the smallest of
    exponential noise over weight (Efraimidis and Spirakis 2006, Weighted random sampling with a reservoir).

    Args:
        target: float ``[anchors, pairs]``, t.
        noise: float ``[anchors, pairs]``, uniform between 0 and 1, 1 excluded.
    """
    noise = noise.double()  # keys of float32 could tie where the noise doesn't
    never_zero = noise.clamp(min=torch.finfo(torch.float32).tiny)
    return Candidates(target, target > 0, target < 1, -(-noise).log1p() / target, -never_zero.log() / (1 - target))


def expected_similarity(target: Tensor, similarity: Tensor, left_out: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return alpha and beta of the least-squares line ``alpha + beta t`` through the similarities of a batch.

    A pair is then hard if it is more, or less, alike than pairs of its target are on average. Beta is 0 at least, and 0
    if all targets are equal.

    Args:
        target: float ``[B, B]``, t.
        similarity: float ``[B, B]``.
        left_out: bool ``[B, B]``, True for pairs that don't count. Pairs of a row and itself never do.
    """
    pairs = ~torch.eye(len(target), dtype=torch.bool, device=target.device)
    pairs = pairs if left_out is None else pairs & ~left_out
    count = pairs.sum().clamp(min=1)
    mean_target, mean_similarity = ((part * pairs).sum() / count for part in (target, similarity))
    deviation = (target - mean_target) * pairs
    variance = deviation.square().sum().clamp(min=torch.finfo(target.dtype).eps)  # of equal targets, rounding alone
    beta = ((deviation * (similarity - mean_similarity)).sum() / variance).clamp(min=0)
    return mean_similarity - beta * mean_target, beta
