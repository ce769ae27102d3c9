"""Values for fake tensors, which have none: those that they were made from, else made-up ones."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch._subclasses.fake_tensor import FakeTensor
from torch.utils.weak import WeakTensorKeyDictionary

if TYPE_CHECKING:
    from torch import Tensor

PERIOD = 7


def made_up(shape: torch.Size, dtype: torch.dtype) -> Tensor:
    """Return a tensor on the CPU that counts from 1 to 7 again and again; booleans are False in every seventh place.

    So a mask has gaps, a single boolean is False, and a single number is 1.

    >>> made_up(torch.Size([2, 5]), torch.int64)
    tensor([[1, 2, 3, 4, 5],
            [6, 7, 1, 2, 3]])
    """
    numbers = torch.arange(math.prod(shape)) % PERIOD
    values = numbers > 0 if dtype is torch.bool else numbers + 1
    return values.to(dtype).reshape(shape)


class Values:
    """The values that stand for those of fake tensors."""

    def __init__(self) -> None:
        self._known: Any = WeakTensorKeyDictionary()

    def remember(self, fake: Tensor, value: Tensor) -> None:
        """Answer with ``value`` as long as nothing is written to ``fake``."""
        self._known[fake] = value.detach().clone(), fake._version

    def of(self, tensor: Tensor) -> Tensor:
        """Return a tensor on the CPU with the values of ``tensor``, made up if it is a fake one that was computed."""
        if not isinstance(tensor, FakeTensor):
            return tensor
        value, version = self._known.get(tensor, (None, None))
        return value if version == tensor._version else made_up(tensor.shape, tensor.dtype)
