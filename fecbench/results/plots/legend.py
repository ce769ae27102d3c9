"""Legends that show names literally."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def add_legend(parent: Axes | Figure, entries: Sequence[tuple[str, Artist]], **options: Any) -> None:
    """Add a legend to axes or to a figure.

    Names are set after the legend is made, because matplotlib hides labels that begin with ``_`` and reads ``$`` as the
    start of a formula.

    Args:
        parent: the axes or figure.
        entries: names with their line or marker.
        options: further arguments of matplotlib's ``legend``.
    """
    legend = parent.legend([artist for _, artist in entries], [" "] * len(entries), **options)
    for text, (name, _) in zip(legend.get_texts(), entries, strict=True):
        text.set(text=name, parse_math=False)
