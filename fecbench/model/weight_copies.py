"""Copies of a network's weights in autocast's type, made by one operation.

Autocast casts each weight and each gradient alone. For a network of 12 layers these are 300 of the 1,000 operations of
a training step, and on a GPU a small batch costs as much time as its operations take to start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


class _Copies(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, dtype: torch.dtype, *weights: Tensor) -> tuple[Tensor, ...]:
        ctx.set_materialize_grads(False)  # a weight that a forward pass doesn't use has no gradient
        return _cast(weights, dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:  # noqa: ARG004
        given = iter(_cast([gradient for gradient in gradients if gradient is not None], torch.float32))
        return None, *(None if gradient is None else next(given) for gradient in gradients)


def _cast(tensors: Sequence[Tensor], dtype: torch.dtype) -> tuple[Tensor, ...]:
    copies = tuple(torch.empty_like(tensor, dtype=dtype) for tensor in tensors)
    if copies:
        torch._foreach_copy_(copies, tensors)
    return copies


def weight_copies(network: nn.Module, device: torch.device) -> dict[str, Tensor]:
    """Return copies of the trained weights and biases of all linear layers, by name, in autocast's type.

    Without autocast there are none. Gradients flow to the weights themselves, as through autocast's own copies. Make
    new copies for each forward pass: the weights change with each update.
    """
    if not torch.is_autocast_enabled(device.type):
        return {}
    weights = {
        f"{name}.{part}": weight
        for name, module in network.named_modules()
        if type(module) is nn.Linear
        for part, weight in (("weight", module.weight), ("bias", module.bias))
        if weight is not None and weight.requires_grad and weight.dtype == torch.float32
    }
    if not weights:
        return {}
    copies = _Copies.apply(torch.get_autocast_dtype(device.type), *weights.values())  # type: ignore[no-untyped-call]
    return dict(zip(weights, copies, strict=True))
