"""Show the progress of a benchmark: a live table on a terminal or in a notebook, else a line for each completed run."""

from __future__ import annotations

from contextlib import suppress
from html import escape
from threading import Event, Thread
from time import thread_time
from typing import TYPE_CHECKING, Self

from rich.live import Live
from rich.table import Table

from fecbench.bench.status import bench_status, total
from fecbench.bench.time_estimates import in_words
from fecbench.core.errors import FecbenchError
from fecbench.core.text import inline
from fecbench.terminal.echo import echo
from fecbench.terminal.notebook import NotebookOutput
from fecbench.terminal.output import console

if TYPE_CHECKING:
    from collections.abc import Callable

    from fecbench.bench.benchmark import Benchmark
    from fecbench.bench.status import BenchStatus
    from fecbench.bench.time_estimates import Estimates


COLUMNS = ("row", "data set", "complete", "running", "failed", "waiting", "now", "time left")
INTERVAL = 1.0  # seconds between two looks at the run directories
SHARE = 0.02  # of a core at most: a look at hundreds of run directories takes long, and the runs need the cores


class Watch:
    """Reads the run directories in a thread and shows the progress until the block ends."""

    def __init__(self, benchmark: Benchmark, estimates: Estimates, workers: int):
        self.benchmark, self.estimates, self.workers = benchmark, estimates, workers
        self.console = console(stderr=True)
        self.over = Event()
        # Made here, since the output of another thread may go to another cell.
        self.output = NotebookOutput() if self.console.is_jupyter else None
        self.thread = Thread(target=self._watch, daemon=True)
        self.known = {task.record.id for task in benchmark.all_tasks() if task.status == "complete"}

    def __enter__(self) -> Self:
        if self.known:
            echo(f"already complete: {len(self.known)} run{'' if len(self.known) == 1 else 's'}", err=True)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()

    def _watch(self) -> None:
        if self.output is not None:
            output = self.output
            self._repeat(lambda: output.show(html_table(*self._state())))
        elif self.console.is_terminal:
            with Live(console=self.console, auto_refresh=False) as live:
                self._repeat(lambda: live.update(table(*self._state()), refresh=True))
        else:
            self._repeat(self._print_lines)

    def _repeat(self, look: Callable[[], object]) -> None:
        """Call ``look`` at once and when the block ends, and between with pauses that keep it within its share."""
        pause, is_over = 0.0, False
        while not is_over:
            is_over = self.over.wait(pause)
            began = thread_time()
            with suppress(FecbenchError, OSError):  # another bench may rename a folder while it is read
                look()
            pause = max(INTERVAL, (thread_time() - began) / SHARE)

    def _completed(self) -> list[str]:
        """Return the names of the runs that completed since the last call; add their times to the estimates."""
        new = [
            task.record
            for task in self.benchmark.all_tasks()
            if task.record.id not in self.known and task.status == "complete"
        ]
        for record in new:
            self.known.add(record.id)
            self.estimates.learn(record)
        return [record.id for record in new]

    def _print_lines(self) -> None:
        for name in self._completed():
            left = total(bench_status(self.benchmark, self.estimates), self.workers)
            echo(f"complete: {name} (time left: {in_words(left)})", err=True)

    def _state(self) -> tuple[list[BenchStatus], str]:
        """Return the progress of each row, and a caption."""
        self._completed()
        rows = bench_status(self.benchmark, self.estimates)
        return rows, f"time left: {in_words(total(rows, self.workers))}"


def table(rows: list[BenchStatus], caption: str) -> Table:
    """Return a table of the progress of each row."""
    shown = Table(*COLUMNS, box=None, header_style="bold", pad_edge=False, caption=caption, caption_justify="left")
    for row in rows:
        shown.add_row(*map(inline, _cells(row)))
    return shown


def html_table(rows: list[BenchStatus], caption: str) -> str:
    """Return the same table as HTML."""
    head = "".join(f"<th>{escape(column)}</th>" for column in COLUMNS)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in _cells(row))}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><p>{escape(caption)}</p>"


def _cells(row: BenchStatus) -> list[str]:
    """Return the cells of a row, in the order of ``COLUMNS``."""
    counts = [str(count or "") for count in (row.complete, row.running, row.failed, row.waiting)]
    now = "can't start" if row.missing else row.running_now
    left = "" if row.seconds == 0 else in_words(row.seconds)
    return [row.row, row.dataset, *counts, now, left]
