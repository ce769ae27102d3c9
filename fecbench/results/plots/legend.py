"""Legends whose entries are names of anybody's making."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def add_legend(place: Axes | Figure, entries: Sequence[tuple[str, Artist]], **how: Any) -> None:
    """A legend of ``entries``, names with their line or marker, on axes or beside a whole figure; ``how`` is for matplotlib.

    Names stand as they are: matplotlib itself would hide those that begin with ``_`` and read ``$`` as the start of a formula.
    """
    legend = place.legend([artist for _, artist in entries], [" "] * len(entries), **how)
    for text, (name, _) in zip(legend.get_texts(), entries, strict=True):
        text.set(text=name, parse_math=False)
