"""Gathers of rows with a cheap backward pass.

An index may occur several times in ``rows[indices]``. A GPU therefore sorts the indices in backward, which takes six
kernels. The indices of the gathers here occur once, or their other occurrences have no gradient.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch

if TYPE_CHECKING:
    from torch import Tensor


class _Take(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, indices: Tensor) -> Tensor:
        ctx.save_for_backward(indices)
        ctx.count = rows.shape[0]
        return rows.index_select(0, indices)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (indices,) = ctx.saved_tensors
        return gradient.new_zeros(ctx.count, *gradient.shape[1:]).index_copy_(0, indices, gradient), None


class _Place(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, sources: Tensor, places: Tensor) -> Tensor:
        ctx.save_for_backward(places)
        return rows.index_select(0, sources)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (places,) = ctx.saved_tensors
        return gradient.index_select(0, places), None, None


def take(rows: Tensor, indices: Tensor) -> Tensor:
    """Return ``rows[indices]``; no index may occur twice.

    >>> rows = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> taken = take(rows, torch.tensor([2, 0]))
    >>> taken.tolist(), *torch.autograd.grad(taken.sum(), rows)
    ([3.0, 1.0], tensor([1., 0., 1.]))
    """
    return cast("Tensor", _Take.apply(rows, indices))  # type: ignore[no-untyped-call]


def place(rows: Tensor, sources: Tensor, places: Tensor) -> Tensor:
    """Return ``rows[sources]``, in which row ``i`` stands at ``places[i]``; other places hold unused copies.

    The gradient of a row is that of its place alone. This is exact if the gradient of all other places is 0.

    >>> rows = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> placed = place(rows, torch.tensor([0, 0, 1]), torch.tensor([0, 2]))
    >>> placed.tolist(), *torch.autograd.grad((placed * torch.tensor([5.0, 0.0, 7.0])).sum(), rows)
    ([1.0, 1.0, 2.0], tensor([5., 7.]))
    """
    return cast("Tensor", _Place.apply(rows, sources, places))  # type: ignore[no-untyped-call]
