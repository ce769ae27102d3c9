"""A progress bar that appears only if the work takes long."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fecbench.terminal.bar import new_bar
from fecbench.terminal.output import console

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


LONG = 2.0  # seconds


@contextmanager
def slow_progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Yield a function that takes the amount of work done since its last call, out of ``total``.

    The bar appears after two seconds, on a terminal's standard error or in a notebook. It is removed when the block
    ends.
    """
    bar, began, done = new_bar(console(stderr=True)), time.monotonic(), 0

    def advance(more: int) -> None:
        nonlocal done
        done += more
        bar.update(what, done, total)
        if time.monotonic() - began >= LONG:
            bar.start()

    try:
        yield advance
    finally:
        bar.stop()
