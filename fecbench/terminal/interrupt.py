"""Stop a run on Ctrl-C, on a scheduler's SIGTERM, or when the process that started it ends."""

from __future__ import annotations

import os
import signal
import sys
from threading import Thread
from typing import TYPE_CHECKING

from fecbench.core.hooks import hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable


def handle_stop_signals(handler: Callable[..., object] = signal.default_int_handler) -> None:
    """Call ``handler`` on Ctrl-C (SIGINT) and on SIGTERM; by default both raise KeyboardInterrupt."""
    for number in (signal.SIGINT, signal.SIGTERM):  # a scheduler stops processes with SIGTERM
        signal.signal(number, handler)


class Stop:
    """A stop request that is not lost.

    Python drops an exception that a signal handler raises inside a finaliser (``__del__``). The request is therefore
    remembered and raised again at the next hook of the run.

    Attributes:
        asked: a stop was asked for.
        began: the training began, so that the run can be resumed.
    """

    def __init__(self) -> None:
        self.asked = self.began = False

    def ask(self, *_: object) -> None:
        """Handle a signal: remember the request and raise KeyboardInterrupt."""
        self.asked = True
        raise KeyboardInterrupt

    def with_stdin(self) -> None:
        """Stop this process when standard input ends: the pipe closes when the process that started this one dies."""
        Thread(target=self._wait_for_end, daemon=True).start()

    def _wait_for_end(self) -> None:
        while os.read(sys.stdin.fileno(), 4096):
            pass
        # A signal, because Python runs its handler in the main thread, which no exception of this thread reaches.
        # A run that is already stopping gets no second one, which would interrupt its clean-up.
        if not self.asked:
            os.kill(os.getpid(), signal.SIGTERM)

    @hookimpl
    def run_started(self) -> None:
        """Raise a remembered request before the first batch."""
        self.began = True
        if self.asked:
            raise KeyboardInterrupt

    @hookimpl
    def updates_logged(self) -> None:
        """Raise a remembered request every few batches."""
        if self.asked:
            raise KeyboardInterrupt
