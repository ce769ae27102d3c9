"""A progress bar, on a terminal's standard error or in a notebook; nothing is drawn in files and pipes."""

from __future__ import annotations

import time
from html import escape
from typing import TYPE_CHECKING, Protocol

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from fecbench.core.text import inline
from fecbench.terminal.notebook import INTERVAL, NotebookOutput
from fecbench.terminal.time_left import TimeLeft

if TYPE_CHECKING:
    from rich.console import Console


class Bar(Protocol):
    """A progress bar."""

    def start(self) -> None:
        """Show the bar. Nothing changes if it is shown."""

    def update(self, text: str, done: int, total: int) -> None:
        """Set the text beside the bar, and the amounts of work that are done and needed in all."""

    def stop(self) -> None:
        """Remove the bar. Nothing changes if it isn't shown."""


def new_bar(console: Console) -> Bar:
    """Return a bar for a terminal or a notebook, or one that is never drawn; it isn't shown yet."""
    if console.is_jupyter:
        return NotebookBar()
    return TerminalBar(console) if console.is_interactive else NoBar()


class TerminalBar:
    """A bar on a terminal, removed when it stops."""

    def __init__(self, console: Console):
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[left]}"),
        )
        # Standard output isn't redirected, which would send lines for a file or a pipe to the terminal.
        self.progress = Progress(*columns, console=console, transient=True, redirect_stdout=False)
        self.task = self.progress.add_task("", left="")
        self.left = TimeLeft()

    def start(self) -> None:
        """Show the bar."""
        self.progress.start()

    def update(self, text: str, done: int, total: int) -> None:
        """Set text and amounts."""
        left = self.left.words(done, total)
        self.progress.update(self.task, description=inline(text), completed=done, total=total, left=left)

    def stop(self) -> None:
        """Remove the bar."""
        self.progress.stop()


class NotebookBar:
    """A bar in the output of a notebook's cell, emptied when it stops."""

    def __init__(self) -> None:
        self.output: NotebookOutput | None = None
        self.text, self.done, self.total = "", 0, 0
        self.drawn = 0.0
        self.left, self.words = TimeLeft(), ""

    def start(self) -> None:
        """Show the bar."""
        if self.output is None:
            self.output = NotebookOutput()
            self._draw()

    def update(self, text: str, done: int, total: int) -> None:
        """Set text and amounts. An equal text is drawn again at most every ``INTERVAL`` seconds."""
        is_new, now = text != self.text, time.monotonic()
        self.text, self.done, self.total = text, done, total
        self.words = self.left.words(done, total)
        if is_new or now - self.drawn >= INTERVAL:
            self._draw()

    def stop(self) -> None:
        """Empty the output."""
        if self.output is not None:
            self.output.show("")
            self.output = None

    def _draw(self) -> None:
        if self.output is not None:
            self.drawn = time.monotonic()
            self.output.show(
                f'<progress value="{self.done}" max="{max(self.total, 1)}" style="width: 16em"></progress> '
                f"{self.done:,}/{self.total:,} {escape(inline(self.text))} {self.words}"
            )


class NoBar:
    """A bar that is never drawn."""

    def start(self) -> None:
        """Do nothing."""

    def update(self, text: str, done: int, total: int) -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Do nothing."""
