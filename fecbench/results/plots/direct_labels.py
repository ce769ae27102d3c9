"""Label curves at their ends, so that no legend covers them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fecbench.core.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

LINE = 8.5  # smallest distance of two labels in points


def label_ends(figure: Figure, panels: Iterable[tuple[Axes, Sequence[tuple[str, Line2D]]]]) -> None:
    """Write each line's name beside its last point, in its colour; names that would overlap are moved apart.

    Call it last: the room that titles and labels of axes leave to a panel says which names would overlap.
    """
    figure.draw_without_rendering()
    for axes, lines in panels:
        _label_panel(axes, lines)


def _label_panel(axes: Axes, lines: Sequence[tuple[str, Line2D]]) -> None:
    low, high = axes.get_ylim()
    closest = LINE / (72 * axes.bbox.height / axes.figure.dpi)
    ends = [(_last_value(line, low) - low) / (high - low) for _, line in lines]
    for (name, line), height in zip(lines, apart(ends, closest), strict=True):
        axes.annotate(
            printable(name),
            (1, height),
            xycoords="axes fraction",
            xytext=(4, 0),
            textcoords="offset points",
            color=line.get_color(),
            va="center",
            fontsize=7,
            parse_math=False,
            annotation_clip=False,
        )


def _last_value(line: Line2D, otherwise: float) -> float:
    """Return the last finite y of a line, or ``otherwise`` if it has none."""
    values = np.asarray(line.get_ydata(), dtype=float)
    finite = values[np.isfinite(values)]
    return float(finite[-1]) if len(finite) else otherwise


def apart(heights: Sequence[float], closest: float) -> list[float]:
    """Return heights that are at least ``closest`` apart, in the same order and about the same centre.

    They stay between 0 and 1 as long as there is room.

    >>> [round(height, 2) for height in apart([0.5, 0.52, 0.1], 0.1)]
    [0.46, 0.56, 0.1]
    >>> [round(height, 2) for height in apart([0.98, 1.0, 0.85], 0.1)]
    [0.9, 1.0, 0.8]
    """
    order = sorted(range(len(heights)), key=lambda number: heights[number])
    groups: list[list[int]] = []
    placed: dict[int, float] = {}
    for number in order:
        groups.append([number])
        # Neighbouring groups that come too close share their centre.
        while True:
            placed |= _spread(groups[-1], heights, closest)
            if len(groups) < 2 or placed[groups[-1][0]] - placed[groups[-2][-1]] >= closest - 1e-9:
                break
            groups[-2:] = [groups[-2] + groups[-1]]
    return [placed[number] for number in range(len(heights))]


def _spread(group: Sequence[int], heights: Sequence[float], closest: float) -> dict[int, float]:
    """Return equally spaced heights for the members of a group, around their mean."""
    half = (len(group) - 1) / 2 * closest
    centre = sum(heights[number] for number in group) / len(group)
    centre = min(max(centre, half), 1 - half) if half < 0.5 else 0.5
    return {number: centre - half + place * closest for place, number in enumerate(group)}
