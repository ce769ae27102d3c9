"""The time left follows from the mean speed since the first amount."""

import io

from rich.console import Console

from fecbench.terminal import time_left
from fecbench.terminal.bar import TerminalBar


def test_pauses_count_and_work_that_was_done_before_does_not(monkeypatch):
    now = iter([0.0, 10.0, 30.0])
    monkeypatch.setattr(time_left.time, "monotonic", lambda: next(now))
    left = time_left.TimeLeft()
    assert left.words(500, 1000) == ""  # of a run that is continued
    assert left.words(600, 1000) == "40 s left"
    assert left.words(600, 1000) == "2 min left"  # while it is validated


def test_a_terminal_shows_it_beside_the_bar(monkeypatch):
    screen = Console(file=io.StringIO(), force_terminal=True, force_interactive=True, width=100)
    shown = TerminalBar(screen)
    monkeypatch.setattr(shown.left, "words", lambda *_: "7 s left")
    shown.start()
    shown.update("a", 3, 4)
    shown.stop()
    assert "7 s left" in screen.file.getvalue()
