"""Count a benchmark's complete, running, failed and waiting runs, read from its run directories."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fecbench.bench.bench_task import BenchTask
    from fecbench.bench.benchmark import Benchmark
    from fecbench.bench.matrix_entry import MatrixEntry
    from fecbench.bench.time_estimates import Estimates
    from fecbench.runs.record import Record


COUNTED = ("complete", "running", "failed")  # every other status counts as waiting


@dataclass(frozen=True)
class BenchStatus:
    """The progress of a row on a data set.

    Attributes:
        row: the row's name.
        dataset: the data set's name.
        complete, running, failed, waiting: the number of runs in each state.
        running_now: seed, fold and epoch of each running run.
        seconds: the estimated seconds of work left; None if no earlier run allows an estimate.
        missing: the reasons why the row can't start; empty if it can.
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
    """Return the progress of each row on each data set."""
    return [_of(benchmark, entry, estimates) for entry in benchmark.matrix.entries]


def total(rows: list[BenchStatus], workers: int) -> float | None:
    """Return the seconds until ``workers`` concurrent runs have done all rows; None if a row's time is unknown."""
    seconds = [row.seconds for row in rows]
    return None if None in seconds else sum(second for second in seconds if second is not None) / workers


def _of(benchmark: Benchmark, entry: MatrixEntry, estimates: Estimates) -> BenchStatus:
    missing = tuple(map(str, benchmark.missing.get((entry.row, entry.dataset), ())))
    if any(planned.rows not in benchmark.data for planned in entry.runs[0]):
        # the names of run directories depend on the data's fingerprint, so that they are unknown
        waiting = max(len(entry.first()), entry.trials)
        return BenchStatus(entry.row, entry.dataset, 0, 0, 0, waiting, "", None, missing)
    tasks, undecided = benchmark.of(entry), benchmark.undecided(entry)
    statuses = [(task, task.status) for task in tasks]
    states = Counter(status if status in COUNTED else "waiting" for _, status in statuses)
    now = ", ".join(_where(task) for task, status in statuses if status == "running")
    rows = len(benchmark.data[tasks[0].planned.rows].splits["train"])
    whole = estimates.seconds(tasks[0].planned.plan, rows)
    left = sum(_share_left(task) for task, status in statuses if status != "complete") + undecided
    # A row that is done needs no time, even if no run allows an estimate.
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
    settings = task.planned.plan.settings
    # At most the last epoch: after it, a run still scores the test split.
    fold = "" if settings.folds is None else f" fold {settings.fold}"
    return f"s{settings.seed}{fold} epoch {min(_epochs(task.record) + 1, settings.epochs)}/{settings.epochs}"


def _share_left(task: BenchTask) -> float:
    """Return the share of an incomplete run that is left; 1 for a stale one, which starts anew."""
    if task.is_stale:
        return 1.0
    return max(0.0, 1 - _epochs(task.record) / task.planned.plan.settings.epochs)


def _epochs(record: Record) -> int:
    """Return the number of epochs that a run has finished."""
    return max((event["epoch"] for event in record.history() if event["event"] == "evaluation"), default=0)
