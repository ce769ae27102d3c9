"""HypEmo's losses (Chen, Hung, Hsu, Ku 2023, section 3)."""

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from fecbench_hypemo.ball import distance


@torch.no_grad()
def label_distances(points: Tensor, vectors: Tensor, labels: Tensor) -> Tensor:
    """How far each text is from its label in the ball, ``[B]``, without gradient.

    Args:
        points: ``[B, d]``, of norm below 1.
        vectors: ``[C, d]``, of norm below 1.
        labels: int64 ``[B]``.

    >>> label_distances(torch.zeros(1, 2), torch.tensor([[0.3, -0.4]]), torch.tensor([0]))
    tensor([1.0986])
    """
    return distance(points, vectors[labels].to(points.dtype))


def weighted_cross_entropy(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """The mean over the batch of each text's cross-entropy times its weight; bf16 and float16 are raised to float32.

    Args:
        logits: ``[B, C]``.
        labels: int64 ``[B]``.
        weights: ``[B]``.

    >>> weighted_cross_entropy(torch.zeros(1, 2), torch.tensor([0]), torch.tensor([2.0]))  # 2 log 2
    tensor(1.3863)
    """
    raised = logits.to(torch.promote_types(logits.dtype, torch.float32))
    return (weights * cross_entropy(raised, labels, reduction="none")).mean()


def hyperbolic_loss(
    points: Tensor, decoded: Tensor, vectors: Tensor, labels: Tensor, *, reduction: Literal["sum", "mean"] = "sum"
) -> Tensor:
    """Cross-entropy of the decoder, less the dot products of points and their labels' vectors. It can be negative.

    Args:
        points: ``[B, d]``.
        decoded: ``[B, C]``, logits that the decoder reads off the points.
        vectors: ``[C, d]``.
        labels: int64 ``[B]``.
        reduction: the dot products are summed over the batch (the released code), or averaged.

    Raises:
        ValueError: ``reduction`` is neither.
    """
    if reduction not in ("sum", "mean"):
        raise ValueError(f"reduction must be 'sum' or 'mean', found {reduction!r}")
    dots = (points * vectors[labels].to(points.dtype)).sum(1)
    return cross_entropy(decoded, labels) - (dots.sum() if reduction == "sum" else dots.mean())
