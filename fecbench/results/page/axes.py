"""Scales of charts, with ticks at round numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


STEPS = (1, 2, 2.5, 5, 10)
ROOM = 0.04  # margin before the lowest and after the highest value, as a share of their distance


@dataclass(frozen=True)
class Axis:
    """The scale of a chart's axis.

    Attributes:
        low: the lower bound.
        high: the upper bound.
        ticks: round numbers between the bounds, in rising order.
    """

    low: float
    high: float
    ticks: tuple[float, ...]

    @classmethod
    def over(cls, values: Iterable[float], most: int = 5, whole: bool = False) -> Axis:
        """Return the axis over ``values`` (at least one) with about ``most`` ticks; with ``whole``, at integers only.

        >>> Axis.over([64.1, 66.3]).ticks
        (64.5, 65.0, 65.5, 66.0)
        >>> Axis.over([1, 3], whole=True).ticks
        (1.0, 2.0, 3.0)
        >>> Axis.over([1], whole=True).ticks
        (1.0,)
        """
        from matplotlib.ticker import MaxNLocator

        numbers = list(values)
        # With a minimum of two ticks a single integer would have fractions beside it.
        locator = MaxNLocator(nbins=most, steps=STEPS, integer=whole, min_n_ticks=1 if whole else 2)
        low, high = map(float, locator.nonsingular(min(numbers), max(numbers)))  # widens an interval of equal values
        low, high = low - ROOM * (high - low), high + ROOM * (high - low)
        ticks = locator.tick_values(low, high)
        return cls(low, high, tuple(float(tick) + 0.0 for tick in ticks if low <= tick <= high))  # + 0.0: -0.0 to 0.0

    def share(self, value: float) -> float:
        """Return the position of ``value`` on the axis, from 0 at the lower bound to 1 at the upper.

        >>> Axis(60.0, 70.0, ()).share(62.5)
        0.25
        """
        return (value - self.low) / (self.high - self.low)
