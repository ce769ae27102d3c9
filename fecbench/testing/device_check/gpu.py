"""A real CUDA device, on which torch itself reports where the host waits."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from fecbench.testing.device_check.recording import Recorder, Recording

MARK = "synchroniz"  # in the text of torch's warning


class GPU:
    """The current CUDA device; attributes as in :class:`fecbench.testing.device_check.fake_device.FakeDevice`."""

    device = torch.device("cuda", 0)
    computes = True

    @property
    def name(self) -> str:
        """The name in reports."""
        return torch.cuda.get_device_name(self.device)

    def receive(self, *roots: nn.Module) -> None:
        """Move modules to the device."""
        for root in roots:
            root.to(self.device)

    @contextmanager
    def recorded(self) -> Iterator[Recording]:
        """Record what happens on the device within the block."""
        recording = Recording()
        with waits_noted(recording), Recorder(recording):
            yield recording


@contextmanager
def waits_noted(recording: Recording) -> Iterator[None]:
    """Record torch's warnings of synchronising operations within the block, one for each operation."""
    last = 0

    def note(message: Warning | str, *_: object, **__: object) -> None:
        nonlocal last
        now = recording.operations.total()  # some operations, such as unique, wait several times within
        if MARK in str(message) and now != last:
            last = now
            recording.wait("synchronising operation")

    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.showwarning = note  # called where the operation is, so that its line is known
            yield
    finally:
        torch.cuda.set_sync_debug_mode("default")
