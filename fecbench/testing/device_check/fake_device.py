"""A CUDA device of fake tensors: shapes, types and devices as on a real one, and no values."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from fecbench.testing.device_check.cuda_functions import as_on_cuda
from fecbench.testing.device_check.fake_recorder import FakeRecorder
from fecbench.testing.device_check.made_up import Values
from fecbench.testing.device_check.recording import Recording

REMEMBERED = 10_000  # values of the largest buffer whose values are kept


class FakeDevice:
    """A fake CUDA device; the process must have loaded the library of :mod:`fecbench.testing.device_check.guard`.

    Attributes:
        name: the name in reports.
        device: its torch device.
        computes: False, since values are made up.
    """

    name = "fake cuda"
    device = torch.device("cuda", 0)
    computes = False

    def __init__(self) -> None:
        self._mode = FakeTensorMode(allow_non_fake_inputs=True)
        self._values = Values()

    def receive(self, *roots: nn.Module) -> None:
        """Replace each parameter and buffer of modules by a fake one on the device; ``Module.to`` can't do that."""
        moved: dict[Tensor, Tensor] = {}  # a parameter that modules share stays one
        for module in (part for root in roots for part in root.modules()):
            for tensors in (module._parameters, module._buffers):
                for name, tensor in tensors.items():
                    if tensor is None:
                        continue
                    if tensor not in moved:
                        moved[tensor] = self._fake(tensor)
                    tensors[name] = moved[tensor]  # type: ignore[assignment]

    def _fake(self, tensor: Tensor) -> Tensor:
        with self._mode:
            fake = torch.empty(tensor.shape, dtype=tensor.dtype, device=self.device)
            if isinstance(tensor, nn.Parameter):
                return nn.Parameter(fake, requires_grad=tensor.requires_grad)
        if tensor.numel() <= REMEMBERED:
            self._values.remember(fake, tensor)
        return fake

    @contextmanager
    def recorded(self) -> Iterator[Recording]:
        """Record what happens on the device within the block."""
        recording = Recording()
        with as_on_cuda(self._values), self._mode, FakeRecorder(recording, self._values):
            yield recording
