"""Ctrl-C, a scheduler's SIGTERM and the end of whoever started a run: a wish to stop that is heard."""

import os
import signal
import sys
from threading import Thread

from fecbench.core.hooks import hookimpl


class Stop:
    """A wish to stop that isn't lost: Python drops an exception that a signal raises inside a finaliser, so it is raised again."""

    def __init__(self) -> None:
        self.asked = False

    def ask(self, *_: object) -> None:
        """Handle the signal."""
        self.asked = True
        raise KeyboardInterrupt

    def with_stdin(self) -> None:
        """Stop this process when standard input ends: a pipe from the process that started it closes when that one dies."""
        Thread(target=self._wait_for_end, daemon=True).start()

    def _wait_for_end(self) -> None:
        while os.read(sys.stdin.fileno(), 4096):
            pass
        if not self.asked:
            os.kill(os.getpid(), signal.SIGTERM)

    @hookimpl
    def run_started(self) -> None:
        """Before the first batch."""
        if self.asked:
            raise KeyboardInterrupt

    @hookimpl
    def updates_logged(self) -> None:
        """Every few batches."""
        if self.asked:
            raise KeyboardInterrupt
