"""Curves in a small frame with two axes, in the units of its drawing."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

from fecbench.results.leaderboard.formats.page.axes import Axis

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Points = Sequence[tuple[float, float]]


WIDTH, HEIGHT = 320, 190
LEFT, RIGHT, TOP, BOTTOM = 46, 306, 10, 150
MOST_POINTS = 150  # of a curve: more than a frame of this width can show
FEW_POINTS = 12  # each gets a dot


class Tick(NamedTuple):
    """A number at its place on an axis."""

    at: float
    text: str


@dataclass(frozen=True)
class Curve:
    """A line through ``points``, each ``(right, down)`` from the drawing's corner; with dots where they are few."""

    name: str
    points: tuple[tuple[float, float], ...]

    @property
    def dotted(self) -> bool:
        """Whether each point gets a dot."""
        return len(self.points) <= FEW_POINTS


@dataclass(frozen=True)
class Chart:
    """A frame with curves.

    Attributes:
        title: what stands above.
        x_label: what the horizontal axis counts.
        x: ticks from the left, ``y`` from the bottom.
        curves: in order.
    """

    title: str
    x_label: str
    x: tuple[Tick, ...]
    y: tuple[Tick, ...]
    curves: tuple[Curve, ...]


def chart(title: str, x_label: str, curves: Mapping[str, Points]) -> Chart | None:
    """The chart of ``curves`` by name, each of points ``(x, y)``; None where they have no finite point."""
    kept = {name: thinned([point for point in points if isfinite(point[1])]) for name, points in curves.items()}
    every = [point for points in kept.values() for point in points]
    if not every:
        return None
    across, up = Axis.over((x for x, _ in every), whole=True), Axis.over((y for _, y in every), most=4)
    found = (
        Curve(name, tuple((_right(across, x), _down(up, y)) for x, y in points))
        for name, points in kept.items()
        if points
    )
    right = tuple(Tick(_right(across, tick), f"{tick:g}") for tick in across.ticks)
    return Chart(title, x_label, right, tuple(Tick(_down(up, tick), f"{tick:g}") for tick in up.ticks), tuple(found))


def thinned(points: Points, most: int = MOST_POINTS) -> Points:
    """At most ``most`` points: means of neighbours where there are more.

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
