"""Charts of curves with two axes, in the units of the SVG drawing."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

from fecbench.results.page.axes import Axis

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Points = Sequence[tuple[float, float]]


WIDTH, HEIGHT = 320, 190
LEFT, RIGHT, TOP, BOTTOM = 46, 306, 10, 150
MOST_POINTS = 150  # points of a curve; a chart of this width can't show more
FEW_POINTS = 12  # a curve of at most so many points gets a dot for each


class Tick(NamedTuple):
    """A number at its position on an axis."""

    at: float
    text: str


@dataclass(frozen=True)
class Curve:
    """A line through ``points``, each ``(right, down)`` from the top left corner of the drawing."""

    name: str
    points: tuple[tuple[float, float], ...]

    @property
    def dotted(self) -> bool:
        """True if each point gets a dot."""
        return len(self.points) <= FEW_POINTS


@dataclass(frozen=True)
class Chart:
    """A chart of curves.

    Attributes:
        title: the heading.
        x_label: the label of the horizontal axis.
        x: the ticks of the horizontal axis, from the left.
        y: the ticks of the vertical axis, from the bottom.
        curves: the curves.
    """

    title: str
    x_label: str
    x: tuple[Tick, ...]
    y: tuple[Tick, ...]
    curves: tuple[Curve, ...]


def chart(title: str, x_label: str, curves: Mapping[str, Points]) -> Chart | None:
    """Return the chart of ``curves`` by name, each with points ``(x, y)``; None if no point is finite."""
    finite = {name: thinned([point for point in points if isfinite(point[1])]) for name, points in curves.items()}
    every = [point for points in finite.values() for point in points]
    if not every:
        return None
    across, up = Axis.over((x for x, _ in every), whole=True), Axis.over((y for _, y in every), most=4)
    drawn = tuple(
        Curve(name, tuple((_right(across, x), _down(up, y)) for x, y in points))
        for name, points in finite.items()
        if points
    )
    x_ticks = tuple(Tick(_right(across, tick), f"{tick:g}") for tick in across.ticks)
    y_ticks = tuple(Tick(_down(up, tick), f"{tick:g}") for tick in up.ticks)
    return Chart(title, x_label, x_ticks, y_ticks, drawn)


def thinned(points: Points, most: int = MOST_POINTS) -> Points:
    """Return at most ``most`` points; if there are more, the means of neighbouring points.

    >>> thinned([(1, 4.0), (2, 2.0), (3, 7.0)], most=2)
    [(1.5, 3.0), (3.0, 7.0)]
    """
    size = -(-len(points) // most)
    groups = [points[start : start + size] for start in range(0, len(points), size)] if points else []
    return [(fmean(x for x, _ in group), fmean(y for _, y in group)) for group in groups]


def _right(axis: Axis, value: float) -> float:
    return round(LEFT + axis.share(value) * (RIGHT - LEFT), 1)


def _down(axis: Axis, value: float) -> float:
    return round(BOTTOM - axis.share(value) * (BOTTOM - TOP), 1)
