"""Legends that show names literally, and legends below a figure that fit its width."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from fecbench.core.text import printable
from fecbench.results.plots.titles import CAPTION, LETTER, wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.legend import Legend

HANDLE = 5.0  # width of a marker with the space around it, as a multiple of the size of the type


def add_legend(parent: Axes | Figure, entries: Sequence[tuple[str, Artist]], **options: Any) -> Legend:
    """Add a legend to axes or to a figure, and return it.

    Names are set after the legend is made, because matplotlib hides labels that begin with ``_`` and reads ``$`` as the
    start of a formula.

    Args:
        parent: the axes or figure.
        entries: names with their line or marker.
        options: further arguments of matplotlib's ``legend``.
    """
    legend = parent.legend([artist for _, artist in entries], [" "] * len(entries), **options)
    for text, (name, _) in zip(legend.get_texts(), entries, strict=True):
        text.set(text=printable(name), parse_math=False)
    return legend


def add_legend_below(figure: Figure, entries: Sequence[tuple[str, Artist]], **options: Any) -> Legend:
    """Add a legend below the panels, in as many columns as the figure's width holds; the figure grows by its height.

    Names that are wider than the figure are broken into lines.
    """
    width = figure.get_figwidth()
    em = CAPTION / 72  # inches
    names = [wrapped(name, width - HANDLE * em, CAPTION) for name, _ in entries]
    widest = max(len(line) for name in names for line in name.split("\n"))
    rows = math.ceil(len(names) / max(1, int(width // (em * (HANDLE + LETTER * widest)))))
    legend = add_legend(
        figure,
        [(name, artist) for name, (_, artist) in zip(names, entries, strict=True)],
        loc="outside lower center",
        ncols=math.ceil(len(names) / rows),  # the fewest that need no further row
        fontsize=CAPTION,
        columnspacing=1.2,
        **options,
    )
    figure.set_figheight(figure.get_figheight() + legend.get_window_extent().height / figure.dpi)
    return legend
