"""Ctrl-C and a scheduler's SIGTERM: a wish to stop that is heard."""

from fecbench.hooks import hookimpl


class Stop:
    """A wish to stop that isn't lost: Python drops an exception that a signal raises inside a finaliser, so it is raised again."""

    def __init__(self) -> None:
        self.asked = False

    def ask(self, *_: object) -> None:
        """Handle the signal."""
        self.asked = True
        raise KeyboardInterrupt

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
