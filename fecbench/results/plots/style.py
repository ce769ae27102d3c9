"""The style of all figures, and the widths at which papers print them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


COLUMN, PAGE = 3.3, 6.8  # inches: a column and the text of a page of two columns


def figure_style() -> AbstractContextManager[None]:
    """Return a context in which figures have fecbench's style (``fecbench.mplstyle``)."""
    from matplotlib.style import context

    return context(Path(__file__).with_name("fecbench.mplstyle"))
