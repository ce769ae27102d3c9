"""Find infinities and NaNs in a run's tensors, and name the remedy."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


def divergence_remedy(epoch: int) -> str:
    """Return what to try after a NaN or infinity in ``epoch``, and which weights are kept.

    >>> divergence_remedy(3).partition(", ")[0], divergence_remedy(3).rpartition("(")[2]
    ('try a lower --lr', 'the weights of epoch 2 are kept)')
    """
    kept = f"the weights of epoch {epoch - 1} are kept" if epoch > 1 else "there are no weights to keep yet"
    return f"try a lower --lr, --clip 1 or --precision float32 in a new run, since --resume would repeat it ({kept})"


@torch.no_grad()
def not_finite(tensors: Mapping[str, Tensor]) -> list[str]:
    """Return the names of the ``tensors`` that hold an infinity or NaN.

    The norms of all tensors take a few operations and one transfer for each type. A finite norm proves that a tensor is
    finite. The others are read again, since the squares of finite values can overflow.
    """
    groups: dict[object, list[str]] = defaultdict(list)
    for name, tensor in tensors.items():
        if tensor.is_floating_point() or tensor.is_complex():
            groups[tensor.device, tensor.dtype].append(name)
    suspects = set()
    for names in groups.values():
        norms = torch.stack(torch._foreach_norm([tensors[name] for name in names])).tolist()
        suspects |= {name for name, norm in zip(names, norms, strict=True) if not math.isfinite(norm)}
    return [name for name in tensors if name in suspects and not tensors[name].isfinite().all()]
