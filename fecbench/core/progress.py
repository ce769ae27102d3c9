"""Types of the functions that report the progress of long work, and one that reports nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Advance = Callable[[int], object]  # takes the amount of work done since its last call
    Report = Callable[[str], object]  # takes the name of the step that begins


def silent(_: object) -> None:
    """Report nothing."""
