"""An operation as torch dispatches it: its tensors, its device, and the copy or the wait that it implies."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch._ops import OpOverload

# Operations that compute nothing on the device; views are known by their schema.
WITHOUT_KERNEL = {
    "_unsafe_view",
    "device",
    "empty",
    "empty_like",
    "empty_strided",
    "is_pinned",
    "is_same_size",
    "new_empty",
    "new_empty_strided",
    "resize_",
    "set_",
}
INDEXING = {"index", "_unsafe_index", "index_put", "index_put_", "_index_put_impl_", "_unsafe_index_put"}


class Copy(NamedTuple):
    """A copy between host and device; the host waits for its end unless it is ``non_blocking``."""

    source: Tensor
    target: str
    non_blocking: bool


@dataclass(frozen=True)
class Operation:
    """An operation with its arguments."""

    func: OpOverload
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The name without namespace and overload, such as ``add``."""
        return str(self.func.overloadpacket.__name__)

    @cached_property
    def tensors(self) -> list[Tensor]:
        """All tensors among the arguments; none lies deeper than in a list."""
        tensors = []
        for value in (*self.args, *self.kwargs.values()):
            if isinstance(value, Tensor):
                tensors.append(value)
            elif isinstance(value, list | tuple):
                tensors += [one for one in value if isinstance(one, Tensor)]
        return tensors

    @cached_property
    def on_device(self) -> bool:
        """True if a tensor is on a CUDA device, or the result will be."""
        return any(tensor.is_cuda for tensor in self.tensors) or _type(self.kwargs.get("device")) == "cuda"

    @property
    def launches(self) -> bool:
        """True if it launches a kernel, or a copy."""
        return self.on_device and not self.func.is_view and self.name not in WITHOUT_KERNEL

    @cached_property
    def copy(self) -> Copy | None:
        """The copy between host and device that it makes; None if it makes none."""
        found = self._copy()
        return found if found and _type(found.source.device) != found.target else None

    def _copy(self) -> Copy | None:
        if self.name == "_to_copy" and self.kwargs.get("device") is not None:
            return Copy(self.args[0], _type(self.kwargs["device"]), self.kwargs.get("non_blocking", False))
        if self.name == "copy_":
            non_blocking = self.args[2] if len(self.args) > 2 else self.kwargs.get("non_blocking", False)
            return Copy(self.args[1], _type(self.args[0].device), non_blocking)
        return None

    @cached_property
    def reads_values(self) -> bool:
        """True if its result, or the shape of its result, depends on values, so that the host must know them."""
        if self.name in INDEXING:
            return any(index.dtype in (torch.bool, torch.uint8) for index in self._indices)
        if self.kwargs.get("output_size") is not None:  # repeat_interleave knows its size then
            return False
        return bool({torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape} & {*self.func.tags})

    @property
    def wait(self) -> str:
        """Why the host waits for the device; empty if it doesn't."""
        if self.copy and not self.copy.non_blocking:
            return "blocking copy to the host" if self.copy.source.is_cuda else "blocking copy to the device"
        if not self.on_device:
            return ""
        if self.reads_values:
            return "index by a mask" if self.name in INDEXING else READING.get(self.name, self.name)
        if self.name in INDEXING and any(not index.is_cuda for index in self._indices):
            return "index on the host"
        return ""

    @property
    def _indices(self) -> list[Tensor]:
        return [index for index in self.args[1] if index is not None]

    def __call__(self) -> Any:
        """Run it."""
        return self.func(*self.args, **self.kwargs)


READING = {"_local_scalar_dense": "a value read by the host (item, bool, int, float)"}


def _type(device: Any) -> str:
    return "" if device is None else torch.device(device).type
