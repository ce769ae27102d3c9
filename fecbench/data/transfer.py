"""Move the tensors of a batch to a device in one copy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


def to_device(tensors: Sequence[Tensor], device: torch.device) -> list[Tensor]:
    """Return ``tensors`` on ``device``; those that are there already are returned themselves.

    Integers of the host (int64) travel to a GPU together, in one pinned buffer, and the host doesn't wait for them.
    """
    # a copy to the host could be read before it has arrived
    non_blocking = device.type != "cpu"
    waiting = [tensor for tensor in tensors if non_blocking and _is_on_host(tensor)]
    copies = iter(_copied_together(waiting, device) if waiting else ())
    return [
        next(copies) if non_blocking and _is_on_host(tensor) else tensor.to(device, non_blocking=non_blocking)
        for tensor in tensors
    ]


def _is_on_host(tensor: Tensor) -> bool:
    return tensor.device.type == "cpu" and tensor.dtype == torch.int64


def _copied_together(tensors: Sequence[Tensor], device: torch.device) -> list[Tensor]:
    flat = torch.cat([tensor.flatten() for tensor in tensors])
    there = (flat.pin_memory() if device.type == "cuda" else flat).to(device, non_blocking=True)
    # Unsafe: each part has a version counter of its own. With a common one, autograd would refuse the token ids that an
    # embedding saved as soon as an objective writes into the labels.
    parts = torch.unsafe_split_with_sizes(there, [tensor.numel() for tensor in tensors])
    return [part.view(tensor.shape) for part, tensor in zip(parts, tensors, strict=True)]
