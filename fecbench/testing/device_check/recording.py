"""Record the operations and copies of a CUDA device, and the lines of code at which the host waits for it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from torch.utils._python_dispatch import TorchDispatchMode

from fecbench.testing.device_check.lines import current_line
from fecbench.testing.device_check.operation import Operation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor
    from torch._ops import OpOverload


@dataclass
class Recording:
    """The record of one part of a run, as in :class:`fecbench.testing.device_check.report.Part`."""

    operations: Counter[str] = field(default_factory=Counter)
    waits: Counter[str] = field(default_factory=Counter)
    copies: Counter[str] = field(default_factory=Counter)

    def wait(self, reason: str) -> None:
        """Record a wait at the current line of code."""
        self.waits[f"{reason} at {current_line()}"] += 1


class Recorder(TorchDispatchMode):
    """Records the operations and copies within its block."""

    def __init__(self, recording: Recording) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.recording = recording

    def __torch_dispatch__(
        self, func: OpOverload, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        operation = Operation(func, args, kwargs or {})
        if operation.launches:
            self.recording.operations[operation.name] += 1
        if operation.copy:
            source, target, non_blocking = operation.copy
            memory = "device" if source.is_cuda else "pinned host" if self.pinned(source) else "pageable host"
            self.recording.copies[f"{memory} to {target}{'' if non_blocking else ', blocking'}"] += 1
        return self.run(operation)

    def pinned(self, tensor: Tensor) -> bool:
        """Return True if a tensor on the host is in pinned memory."""
        return tensor.is_pinned()

    def run(self, operation: Operation) -> Any:
        """Return the operation's result."""
        return operation()
