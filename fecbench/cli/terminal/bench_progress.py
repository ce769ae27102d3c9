"""A matrix on the terminal while it runs: one live table, or without a terminal a line for each run that ends."""

from __future__ import annotations

from contextlib import suppress
from threading import Event, Thread
from time import thread_time
from typing import TYPE_CHECKING, Self

from rich.live import Live
from rich.table import Table

from fecbench.bench.status import bench_status, total
from fecbench.bench.time_estimates import in_words
from fecbench.cli.terminal.echo import echo
from fecbench.cli.terminal.output import console
from fecbench.core.errors import FecbenchError
from fecbench.core.text import inline

if TYPE_CHECKING:
    from collections.abc import Callable

    from fecbench.bench.benchmark import Benchmark
    from fecbench.bench.status import BenchStatus
    from fecbench.bench.time_estimates import Estimates


COLUMNS = ("row", "data set", "complete", "running", "failed", "waiting", "now", "time left")
INTERVAL = 1.0  # seconds
SHARE = 0.02  # of a core, which the runs want for themselves; a look at hundreds of run directories takes a while


class Watch:
    """Looks at the run directories until the block ends."""

    def __init__(self, benchmark: Benchmark, estimates: Estimates, workers: int):
        self.benchmark, self.estimates, self.workers = benchmark, estimates, workers
        self.console = console(stderr=True)
        self.over = Event()
        self.thread = Thread(target=self._watch, daemon=True)
        self.known = {task.record.id for task in benchmark.everything() if task.status == "complete"}

    def __enter__(self) -> Self:
        if self.known:
            echo(f"{len(self.known)} runs are complete already", err=True)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()

    def _watch(self) -> None:
        if not self.console.is_terminal:
            self._look_until_over(self._tell)
            self._tell()
            return
        with Live(self._table(), console=self.console, auto_refresh=False) as live:

            def look() -> None:
                self._learn()
                live.update(self._table(), refresh=True)

            self._look_until_over(look)
            live.update(self._table(), refresh=True)

    def _look_until_over(self, look: Callable[[], object]) -> None:
        pause = INTERVAL
        while not self.over.wait(pause):
            began = thread_time()
            with suppress(
                FecbenchError, OSError
            ):  # a folder that is set aside meanwhile; the next look sees what there is
                look()
            pause = max(INTERVAL, (thread_time() - began) / SHARE)

    def _learn(self) -> list[str]:
        """Take in the runs that have become complete since the last look; returns their names."""
        new = [
            task.record
            for task in self.benchmark.everything()
            if task.record.id not in self.known and task.status == "complete"
        ]
        for record in new:
            self.known.add(record.id)
            self.estimates.learn(record)
        return [record.id for record in new]

    def _tell(self) -> None:
        for name in self._learn():
            echo(
                f"complete: {name} (time left: {in_words(total(bench_status(self.benchmark, self.estimates), self.workers))})",
                err=True,
            )

    def _table(self) -> Table:
        rows = bench_status(self.benchmark, self.estimates)
        return table(rows, f"time left: {in_words(total(rows, self.workers))}")


def table(rows: list[BenchStatus], caption: str) -> Table:
    """How far each row is, as a table."""
    made = Table(*COLUMNS, box=None, header_style="bold", pad_edge=False, caption=caption, caption_justify="left")
    for row in rows:
        counts = (str(count or "") for count in (row.complete, row.running, row.failed, row.waiting))
        now = "can't start" if row.missing else row.running_now
        made.add_row(
            inline(row.row), inline(row.dataset), *counts, now, in_words(row.seconds) if row.seconds != 0 else ""
        )
    return made
