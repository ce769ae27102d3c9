"""Average logged numbers over batches."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from fecbench.core.errors import NumericalError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


LOG_EVERY = 10


@dataclass
class Window:
    """Logs that stay on the device until they are fetched together."""

    entries: list[tuple[int, str, Tensor]] = field(default_factory=list)

    def add(self, step: int, logs: list[tuple[str, Tensor]]) -> None:
        """Keep a batch's logs."""
        self.entries += [(step, name, value) for name, value in logs]

    def fetch(self, who: str, epoch: int) -> dict[str, list[float]]:
        """All values by name, in one transfer; the window is empty afterwards.

        Raises:
            NumericalError: a value is infinite or NaN.
        """
        entries, self.entries = self.entries, []
        if not entries:
            return {}
        device = entries[0][2].device
        values = torch.stack([value.to(device, torch.float32).reshape(()) for _, _, value in entries]).tolist()
        by_name = defaultdict(list)
        for (step, name, _), value in zip(entries, values, strict=True):
            if not math.isfinite(value):
                parts = ", ".join(f"{n} {v:.4g}" for (s, n, _), v in zip(entries, values, strict=True) if s == step)
                raise NumericalError(
                    f"{who}: every loss and log must be finite, but at epoch {epoch}, batch {step + 1} found {parts}; {remedy(epoch)}"
                )
            by_name[name].append(value)
        return dict(by_name)


def remedy(epoch: int) -> str:
    """What to try where numbers broke in ``epoch``, and what is left of the run.

    >>> remedy(3)
    'try a lower --lr, --clip 1 or --precision float32 in a new run, since --resume would meet the same (the weights of epoch 2 are kept)'
    """
    kept = f"the weights of epoch {epoch - 1} are kept" if epoch > 1 else "there are no weights to keep yet"
    return (
        f"try a lower --lr, --clip 1 or --precision float32 in a new run, since --resume would meet the same ({kept})"
    )


def means(values: Mapping[str, list[float]]) -> dict[str, float]:
    """The mean of each list."""
    return {name: sum(numbers) / len(numbers) for name, numbers in values.items()}
