"""A progress bar on standard error that appears only if the work takes long."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fecbench.core.text import inline
from fecbench.terminal.output import console

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


LONG = 2.0  # seconds


@contextmanager
def slow_progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Yield a function that takes the amount of work done since its last call, out of ``total``.

    The bar appears after two seconds, and only if standard error is a terminal. It is removed when the block ends.
    """
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    err = console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=err, transient=True, disable=not err.is_terminal)
    task, began = bar.add_task(inline(what), total=total), time.monotonic()

    def advance(done: int) -> None:
        if not bar.live.is_started and time.monotonic() - began >= LONG:
            bar.start()
        bar.advance(task, done)

    try:
        yield advance
    finally:
        bar.stop()
