"""How far a matrix is, read from its run directories, whatever engine fills them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fecbench.bench.benchmark import Benchmark, BenchTask
    from fecbench.bench.matrix import MatrixEntry
    from fecbench.bench.time_estimates import Estimates
    from fecbench.runs.record import Record


TOLD = ("complete", "running", "failed")


@dataclass(frozen=True)
class BenchStatus:
    """A row on a data set: how many of its runs are complete, running, failed and waiting, and the seconds of work left.

    ``running_now`` tells the running ones' epochs; ``seconds`` is None where no earlier run tells; ``missing`` says why the row can't
    start.
    """

    row: str
    dataset: str
    complete: int
    running: int
    failed: int
    waiting: int
    running_now: str
    seconds: float | None
    missing: tuple[str, ...] = ()


def bench_status(benchmark: Benchmark, estimates: Estimates) -> list[BenchStatus]:
    """How far each row is on each data set."""
    return [_of(benchmark, entry, estimates) for entry in benchmark.matrix.entries]


def total(rows: list[BenchStatus], workers: int) -> float | None:
    """Seconds until ``workers`` at once have done all that is left; None where a row's isn't known."""
    seconds = [row.seconds for row in rows]
    return None if None in seconds else sum(second for second in seconds if second is not None) / workers


def _of(benchmark: Benchmark, entry: MatrixEntry, estimates: Estimates) -> BenchStatus:
    missing = tuple(map(str, benchmark.missing.get((entry.row, entry.dataset), ())))
    if (
        entry.cells[0][0].plan.settings.dataset not in benchmark.data
    ):  # then nobody knows which run directories are the row's
        return BenchStatus(entry.row, entry.dataset, 0, 0, 0, len(entry.first()), "", None, missing)
    tasks, undecided = benchmark.of(entry), benchmark.undecided(entry)
    found = [(task, task.status) for task in tasks]
    states = Counter(status if status in TOLD else "waiting" for _, status in found)
    now = ", ".join(_where(task) for task, status in found if status == "running")
    rows = len(benchmark.data[tasks[0].cell.plan.settings.dataset].splits["train"])
    whole = estimates.seconds(tasks[0].cell.plan, rows)
    left = sum(_share_left(task) for task, status in found if status != "complete") + undecided
    seconds = 0.0 if not left else None if whole is None else left * whole
    waiting = states["waiting"] + undecided
    return BenchStatus(
        entry.row,
        entry.dataset,
        states["complete"],
        states["running"],
        states["failed"],
        waiting,
        now,
        seconds,
        missing,
    )


def _where(task: BenchTask) -> str:
    settings = task.cell.plan.settings
    return f"s{settings.seed} epoch {min(_epochs(task.record) + 1, settings.epochs)}/{settings.epochs}"


def _share_left(task: BenchTask) -> float:
    """How much of an incomplete run is still to be done; a stale one is set aside and done anew."""
    if task.is_stale:
        return 1.0
    return max(0.0, 1 - _epochs(task.record) / task.cell.plan.settings.epochs)


def _epochs(record: Record) -> int:
    """How many epochs a run has finished."""
    return max((event["epoch"] for event in record.history() if event["event"] == "evaluation"), default=0)
