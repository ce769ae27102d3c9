"""Exact training on several ranks: gather the whole batch's features on every rank and average gradients.

Every rank computes the loss of the whole batch from the same features, so objectives need no distributed code.
There is no DDP wrapper: with it, anything but one forward and one backward pass through ``forward`` gives wrong
gradients silently (ADR 5).

The backward of :func:`whole_batch` sums the feature gradients over ranks, and :func:`average_gradients` divides by
the number of ranks. So parameters before the gather (each rank has its share of rows) and after it (every rank has
all rows) both get the gradient of one loss on the whole batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor
from torch import distributed as dist

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn


class _SumOverRanks(torch.autograd.Function):
    """All-reduce whose backward is an all-reduce.

    Torch's own differentiable gathers are deprecated in 2.13 or missing in 2.11, and they need equal shares.
    """

    @staticmethod
    def forward(ctx: Any, local: Tensor) -> Tensor:  # noqa: ARG004
        total = local.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # noqa: ARG004
        total = gradient.clone(memory_format=torch.contiguous_format)  # autograd may pass an expanded view
        dist.all_reduce(total)
        return total


def whole_batch(local: Tensor, share: Tensor, size: int) -> Tensor:
    """Return the rows ``[size, width]`` of all ranks, with gradient.

    Args:
        local: this rank's rows ``[n, width]``. If this rank has no rows, one dummy row: it is cut off but stays in
            the graph, so that the rank joins every collective.
        share: int64, the indices of this rank's rows in the whole batch.
        size: number of rows of the whole batch.
    """
    # A sum over zero-padded rows is a gather that allows unequal and empty shares.
    placed = local.new_zeros(size, local.shape[1]).index_copy(0, share, local[: len(share)])
    return cast("Tensor", _SumOverRanks.apply(placed))  # type: ignore[no-untyped-call]


def average_gradients(parameters: Sequence[nn.Parameter], ranks: int) -> None:
    """Replace each gradient by its mean over ranks, in one all-reduce.

    All ranks build the same graph, so a parameter without a gradient has none on any rank and is skipped.
    """
    reached = [parameter for parameter in parameters if parameter.grad is not None]
    if ranks == 1 or not reached:
        return
    flat = torch.cat([cast("Tensor", parameter.grad).flatten() for parameter in reached])
    dist.all_reduce(flat)
    means = (flat / ranks).split([parameter.numel() for parameter in reached])
    for parameter, mean in zip(reached, means, strict=True):
        parameter.grad = mean.view_as(parameter)


def sum_over_ranks(values: Tensor, ranks: int) -> Tensor:
    """Return the sum of ``values`` over ranks, on every rank (in place)."""
    if ranks > 1:
        dist.all_reduce(values)
    return values
