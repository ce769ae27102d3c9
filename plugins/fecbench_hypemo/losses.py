"""The losses of HypEmo (Chen, Hung, Hsu, Ku 2023, section 3; details as in the released code)."""

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from fecbench_hypemo.ball import distance


@torch.no_grad()
def label_distances(points: Tensor, vectors: Tensor, labels: Tensor) -> Tensor:
    """Return the hyperbolic distance ``[B]`` of each text to its label, without gradient.

    Args:
        points: points of the texts ``[B, d]``, of norm below 1.
        vectors: label vectors ``[C, d]``, of norm below 1.
        labels: int64 ``[B]``.

    >>> label_distances(torch.zeros(1, 2), torch.tensor([[0.3, -0.4]]), torch.tensor([0]))
    tensor([1.0986])
    """
    return distance(points, vectors[labels].to(points.dtype))


def weighted_cross_entropy(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """Return the mean over the batch of cross-entropy times a weight per text.

    Args:
        logits: ``[B, C]``; bf16 and float16 are raised to float32.
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
    """Return the decoder's cross-entropy minus the dot products of texts and their label vectors; it can be negative.

    Args:
        points: points of the texts ``[B, d]``.
        decoded: logits of the decoder ``[B, C]``.
        vectors: label vectors ``[C, d]``.
        labels: int64 ``[B]``.
        reduction: ``"sum"`` the dot products over the batch (released code), or take their ``"mean"``.

    Raises:
        ValueError: ``reduction`` is neither.
    """
    if reduction not in ("sum", "mean"):
        raise ValueError(f"reduction must be 'sum' or 'mean', found {reduction!r}")
    dots = (points * vectors[labels].to(points.dtype)).sum(1)
    return cross_entropy(decoded, labels) - (dots.sum() if reduction == "sum" else dots.mean())
