"""Record operations on fake CUDA tensors, and answer where the host asks for values that no fake tensor has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor, unset_fake_temporarily
from torch.utils._pytree import tree_map_only

from fecbench.testing.device_check.operation import Operation
from fecbench.testing.device_check.recording import Recorder, Recording

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch._ops import OpOverload

    from fecbench.testing.device_check.made_up import Values


PINNING = {torch.ops.aten.is_pinned.default, torch.ops.aten._pin_memory.default}


class FakeRecorder(Recorder):
    """Records operations, and runs those of the host for real, so that only tensors on the device are fake.

    It is entered within a ``FakeTensorMode``.
    """

    def __init__(self, recording: Recording, values: Values) -> None:
        super().__init__(recording)
        self.values = values
        self._pinned: dict[int, Tensor] = {}  # by storage; the tensors are kept, so that no other gets their storage

    def __torch_dispatch__(
        self, func: OpOverload, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if types or func in PINNING or {"device", "pin_memory"} & kwargs.keys():
            return super().__torch_dispatch__(func, types, args, kwargs)
        with unset_fake_temporarily():  # the host's alone; some stages make tens of thousands of them
            return func(*args, **kwargs)

    def run(self, operation: Operation) -> Any:
        """Return the operation's result: real on the host, fake on the device.

        Raises:
            RuntimeError: a generator belongs to another device, or a tensor on the device is to be pinned.
        """
        if operation.wait:
            self.recording.wait(operation.wait)
        _check_generator(operation)
        if operation.name == "is_pinned":
            return self.pinned(operation.args[0])
        if operation.name == "_pin_memory":
            return self._pin(operation.args[0])
        if operation.kwargs.get("pin_memory"):  # the build has no allocator of pinned memory
            unpinned = Operation(operation.func, operation.args, {**operation.kwargs, "pin_memory": False})
            return self._remember_pinned(self._compute(unpinned))
        return self._compute(operation)

    def pinned(self, tensor: Tensor) -> bool:
        """Return True if a tensor on the host shares memory with one that was pinned."""
        return _storage(tensor) in self._pinned

    def _compute(self, operation: Operation) -> Any:
        fakes = [tensor for tensor in operation.tensors if isinstance(tensor, FakeTensor)]
        if not fakes and not operation.on_device:
            with unset_fake_temporarily():
                return operation()
        if fakes and operation.reads_values and not operation.name.startswith("index_put"):
            return self._answer(operation, fakes[0].device)
        return operation()

    def _answer(self, operation: Operation, device: torch.device) -> Any:
        """Run an operation whose result depends on values on the CPU; its tensors become fake ones on ``device``."""
        with unset_fake_temporarily():
            args, kwargs = tree_map_only(Tensor, self.values.of, (operation.args, dict(operation.kwargs)))
            answer = operation.func(*args, **kwargs)
        return tree_map_only(Tensor, lambda real: torch.empty(real.shape, dtype=real.dtype, device=device), answer)

    def _pin(self, tensor: Tensor) -> Tensor:
        if tensor.is_cuda:
            raise RuntimeError("only tensors on the CPU can be pinned, but this one is on the device already")
        clone = Operation(torch.ops.aten.clone.default, (tensor,), {})
        return self._remember_pinned(self._compute(clone))

    def _remember_pinned(self, tensor: Tensor) -> Tensor:
        self._pinned[_storage(tensor)] = tensor
        return tensor


def _check_generator(operation: Operation) -> None:
    """Raise RuntimeError if an operation on the device draws from a generator of the host."""
    generator = operation.kwargs.get("generator")
    if generator is not None and operation.on_device and generator.device.type != "cuda":
        raise RuntimeError(
            f"{operation.name} on a CUDA device needs a generator of that device, but got one of {generator.device}; "
            "use batch.generator(name, device)"
        )


def _storage(tensor: Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)
