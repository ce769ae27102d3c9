"""Estimate the time left of work from its mean speed."""

from __future__ import annotations

import time

from fecbench.bench.time_estimates import in_words


class TimeLeft:
    """The time left of work, by its mean speed since it was first reported: pauses, such as validation, count too."""

    def __init__(self) -> None:
        self.first: tuple[float, int] | None = None  # time and amount of the first report of work done

    def words(self, done: int, total: int) -> str:
        """Return the time left in words when ``done`` of ``total`` is done, "" before there is an estimate.

        The first amount may be large, as in a run that is continued, and tells no speed.
        """
        now = time.monotonic()
        if self.first is None and done:
            self.first = now, done
        if self.first is None or done <= self.first[1]:
            return ""
        began, before = self.first
        return f"{in_words((now - began) * (total - done) / (done - before))} left"
