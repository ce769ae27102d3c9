"""Show the named steps of long work one after another: on a terminal, or in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fecbench.terminal.bar import new_bar
from fecbench.terminal.echo import echo
from fecbench.terminal.output import console

if TYPE_CHECKING:
    from typing import Self


class StepProgress:
    """The steps of long work, for a ``with`` block: the present one is shown with the number of those before it.

    >>> with StepProgress(2) as progress:
    ...     progress.begin("read the data")
    ...     progress.begin("measure it")
    """

    def __init__(self, total: int):
        """Set the number of steps."""
        self.total, self.begun = total, 0
        self.bar = new_bar(console(stderr=True))

    def __enter__(self) -> Self:
        self.bar.update("", 0, self.total)
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def begin(self, step: str) -> None:
        """Show the next step; the one before it is done."""
        self.bar.update(step, self.begun, self.total)
        self.begun += 1

    def echo(self, line: str) -> None:
        """Print a line on standard output, above the bar."""
        self.bar.stop()
        echo(line)
        self.bar.start()
