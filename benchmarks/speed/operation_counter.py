"""Count the operations of a call, forward and backward: each is at least one kernel on a GPU."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode

from fecbench.testing.device_check.operation import WITHOUT_KERNEL


class OperationCounter(TorchDispatchMode):
    """Counts operations other than views and allocations."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        name = func.name().removeprefix("aten::").split(".")[0]
        self.count += not func.is_view and name not in WITHOUT_KERNEL
        return func(*args, **(kwargs or {}))
