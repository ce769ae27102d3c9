"""A scale with round ticks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


STEPS = (1, 2, 2.5, 5, 10)
ROOM = 0.04  # before the lowest and after the highest value, as a share of what lies between


@dataclass(frozen=True)
class Axis:
    """Where values lie between two bounds.

    Attributes:
        low: where it begins, and ``high`` where it ends.
        ticks: round numbers between them, rising.
    """

    low: float
    high: float
    ticks: tuple[float, ...]

    @classmethod
    def over(cls, values: Iterable[float], most: int = 5, whole: bool = False) -> Axis:
        """The axis that just holds ``values`` (at least one), with about ``most`` ticks, at whole numbers alone where asked for.

        >>> Axis.over([64.1, 66.3]).ticks
        (64.5, 65.0, 65.5, 66.0)
        >>> Axis.over([1, 3], whole=True).ticks
        (1.0, 2.0, 3.0)
        """
        from matplotlib.ticker import MaxNLocator

        found, locator = list(values), MaxNLocator(nbins=most, steps=STEPS, integer=whole)
        low, high = map(float, locator.nonsingular(min(found), max(found)))  # equal values get room about them
        low, high = low - ROOM * (high - low), high + ROOM * (high - low)
        ticks = locator.tick_values(low, high)
        return cls(low, high, tuple(float(tick) + 0.0 for tick in ticks if low <= tick <= high))  # no negative zero

    def share(self, value: float) -> float:
        """How far along the axis ``value`` is: 0 at its beginning, 1 at its end.

        >>> Axis(60.0, 70.0, ()).share(62.5)
        0.25
        """
        return (value - self.low) / (self.high - self.low)
