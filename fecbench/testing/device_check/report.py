"""Reports of what a method does on a device, part by part, as plain data that survives JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Part:
    """One part of a run, such as a training step or the prediction of a split.

    Attributes:
        operations: number of operations on the device by name, without views and allocations. Each launches at least
            one kernel.
        waits: number of times that the host waited for the device, by reason and line of code.
        copies: number of copies between host and device, by kind.
        batches: number of batches predicted.
        fault: the error that ended the part; empty if it ended well.
        line: the line of code that raised it.
    """

    operations: Mapping[str, int] = field(default_factory=dict)
    waits: Mapping[str, int] = field(default_factory=dict)
    copies: Mapping[str, int] = field(default_factory=dict)
    batches: int = 0
    fault: str = ""
    line: str = ""


@dataclass(frozen=True)
class DeviceReport:
    """The operations, waits, copies and faults of a method on a device.

    Attributes:
        method: the objective's name.
        device: ``"fake cuda"``, or the name of the GPU.
        declared: number of waits in a training step that the objective declares in ``host_waits``.
        parts: the parts by name, in their order; none follows a part with a fault.
    """

    method: str
    device: str
    declared: int = 0
    parts: Mapping[str, Part] = field(default_factory=dict)

    @classmethod
    def read(cls, content: Mapping[str, Any]) -> Self:
        """Return the report from the dict that ``dataclasses.asdict`` made of it."""
        return cls(**{**content, "parts": {name: Part(**part) for name, part in content["parts"].items()}})

    @property
    def faulty(self) -> tuple[str, Part] | None:
        """Name and content of the part with a fault; None if every part ended well."""
        return next(((name, part) for name, part in self.parts.items() if part.fault), None)

    def operations(self, part: str = "step") -> int:
        """Return the number of operations of a part; 0 if it didn't run."""
        return sum(self.parts.get(part, Part()).operations.values())

    def waits(self, part: str = "step") -> int:
        """Return the number of waits of a part; 0 if it didn't run."""
        return sum(self.parts.get(part, Part()).waits.values())

    def copies(self, part: str = "step") -> int:
        """Return the number of copies between host and device of a part; 0 if it didn't run."""
        return sum(self.parts.get(part, Part()).copies.values())
