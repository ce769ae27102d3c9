"""Collect logged values on the device and average them over batches."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from fecbench.core.errors import NumericalError
from fecbench.training.divergence import divergence_remedy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor


LOG_EVERY = 10  # batches between two fetches, each of which waits for the device


@dataclass
class Window:
    """Logged values of several batches, which stay on the device until they are fetched together."""

    entries: list[tuple[int, str, Tensor]] = field(default_factory=list)

    def add(self, step: int, logs: list[tuple[str, Tensor]]) -> None:
        """Add a batch's logs."""
        self.entries += [(step, name, value) for name, value in logs]

    def fetch(self, who: str, epoch: int) -> dict[str, list[float]]:
        """Return all values by name and empty the window.

        Raises:
            NumericalError: a value is infinite or NaN.
        """
        entries, self.entries = self.entries, []
        values = values_of([value for _, _, value in entries])
        by_name = defaultdict(list)
        for (step, name, _), value in zip(entries, values, strict=True):
            if not math.isfinite(value):
                batch = ", ".join(f"{n} {v:.4g}" for (s, n, _), v in zip(entries, values, strict=True) if s == step)
                raise NumericalError(
                    f"{who}: every loss and log must be finite, but at epoch {epoch}, batch {step + 1} found {batch}; "
                    f"{divergence_remedy(epoch)}"
                )
            by_name[name].append(value)
        return dict(by_name)


def values_of(tensors: Sequence[Tensor]) -> list[float]:
    """Return the values of single-element ``tensors`` as float32 numbers.

    Those of a device come in one transfer, since each transfer waits for the device.
    """
    places = defaultdict(list)
    for place, tensor in enumerate(tensors):
        places[tensor.device].append(place)
    found: dict[int, float] = {}
    for there in places.values():
        values = torch.stack([tensors[place].to(torch.float32).reshape(()) for place in there])
        found |= dict(zip(there, values.tolist(), strict=True))
    return [found[place] for place in range(len(tensors))]


def means(values: Mapping[str, list[float]]) -> dict[str, float]:
    """Return the mean of each list."""
    return {name: sum(numbers) / len(numbers) for name, numbers in values.items()}
