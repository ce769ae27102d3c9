"""A line on the terminal's standard error that says what a command is doing."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from fecbench.core.text import inline
from fecbench.terminal.output import console

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def status_line() -> Iterator[Callable[[str], None]]:
    """Yield a function that shows a text until the block ends. It shows nothing if standard error is no terminal."""
    from rich.text import Text

    err = console(stderr=True)
    if not err.is_terminal:
        yield lambda _: None
        return
    with err.status("") as status:
        yield lambda text: status.update(Text(inline(text)))
