"""A line that says what a command is doing, on the terminal's standard error or in the output of a notebook's cell."""

from __future__ import annotations

import time
from contextlib import contextmanager
from html import escape
from typing import TYPE_CHECKING

from fecbench.core.text import inline
from fecbench.terminal.notebook import INTERVAL, NotebookOutput
from fecbench.terminal.output import console

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def status_line() -> Iterator[Callable[[str], None]]:
    """Yield a function that shows a text until the block ends. It shows nothing in files and pipes."""
    from rich.text import Text

    err = console(stderr=True)
    if err.is_jupyter:
        line = NotebookLine()
        try:
            yield line.show
        finally:
            line.stop()
    elif err.is_terminal:
        with err.status("") as status:
            yield lambda text: status.update(Text(inline(text)))
    else:
        yield lambda _: None


class NotebookLine:
    """A line in the output of a notebook's cell, emptied when it stops."""

    def __init__(self) -> None:
        self.output: NotebookOutput | None = None
        self.drawn = 0.0

    def show(self, text: str) -> None:
        """Show a text, at most every ``INTERVAL`` seconds."""
        if time.monotonic() - self.drawn < INTERVAL:
            return
        self.output = self.output or NotebookOutput()
        self.output.show(escape(inline(text)))
        self.drawn = time.monotonic()

    def stop(self) -> None:
        """Empty the output."""
        if self.output is not None:
            self.output.show("")
            self.output = None
