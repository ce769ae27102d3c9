"""``fecbench run ... --seeds 0-4`` and ``--folds K``: carry out several runs, as a benchmark with one row."""

from __future__ import annotations

import re
import shlex
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from fecbench.cli.bench import PREPARING, carried_out, estimates_of, failures
from fecbench.core.errors import UsageError
from fecbench.data.datasets.locations import DataLocations
from fecbench.runs.local_paths import last_name
from fecbench.runs.record import ROOT, RUN
from fecbench.terminal.echo import echo
from fecbench.terminal.interrupt import handle_stop_signals
from fecbench.terminal.output import console, print_if_watched, print_json
from fecbench.training.devices import check_not_launched

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from fecbench.bench.bench_task import BenchTask
    from fecbench.bench.matrix import Matrix
    from fecbench.bench.selection import Selection
    from fecbench.results.leaderboard.board import Board
    from fecbench.runs.plan import Plan


# options of a command that carries out one run
ONE_RUN = ("tracker", "predictions", "expected", "trial", "stop_with_stdin")


def repeats(chosen: Plan, asked: Mapping[str, Any], seeds: Sequence[int] | None) -> bool:
    """Return True if a command starts several runs: with several seeds, or with all folds of a cross-validation."""
    return seeds is not None or (chosen.settings.folds is not None and "fold" not in asked)


def carry_out_all(chosen: Plan, flags: Mapping[str, Any], spec: Mapping[str, Any], command: Mapping[str, Any]) -> None:
    """Carry out the seeds and folds that aren't complete, one after the other; print mean and spread of their scores.

    Args:
        chosen: the plan of one of the runs.
        flags: the settings that flags give.
        spec: the settings that ``--settings`` and ``--config`` give.
        command: the values of the options that are no settings.

    Raises:
        UsageError: an option fits one run alone, or the folder is that of a run.
        FecbenchError: data, encoder or plugin are faulty, or the user stopped the runs.
    """
    from fecbench.bench.benchmark import Benchmark
    from fecbench.bench.workers import Workers

    _check_options(command)
    seeds = command["seeds"] or [chosen.settings.seed]
    root = _root(chosen, seeds, command)
    matrix = _matrix(chosen, seeds, flags, spec, command["metric"])
    handle_stop_signals()
    print_if_watched(PREPARING)
    benchmark = Benchmark.prepare(matrix, root, DataLocations(command["data_dir"]))
    benchmark.check_consent()
    tasks = carried_out(benchmark, estimates_of(benchmark), Workers())
    if failures(benchmark, tasks):
        sys.exit(1)
    _print(benchmark.selection(), tasks, command["json"])
    echo(f"next: fecbench leaderboard {shlex.quote(str(root))}", err=True)


def _check_options(command: Mapping[str, Any]) -> None:
    flag = "--seeds" if command["seeds"] else "--folds"
    for name in ONE_RUN:
        if command[name]:
            raise UsageError(
                f"--{name.replace('_', '-')} needs a single run, but {flag} starts several; leave it out, or choose "
                "one with --seed or --fold"
            )
    check_not_launched(flag)


def _root(chosen: Plan, seeds: Sequence[int], command: Mapping[str, Any]) -> Path:
    """Return the folder for the runs: the same one for the same command, so that it continues them.

    Raises:
        UsageError: the folder is a file or that of a run.
    """
    settings, asked = chosen.settings, command["run_dir"]
    name = re.sub(r"[^\w.-]+", "-", f"{chosen.name}-{last_name(settings.dataset)}").strip("-.")
    kinds = ([f"{settings.folds}-folds"] if settings.folds is not None else []) + (
        [f"{len(seeds)}-seeds"] if command["seeds"] else []
    )
    root: Path = asked or ROOT / "-".join([name, *kinds])
    if (root / RUN).exists() or (root.exists() and not root.is_dir()):
        raise UsageError(
            f"--run-dir must be a folder for several runs, but {root} is a file or the record of one run; choose "
            "another"
        )
    return root


def _matrix(
    chosen: Plan, seeds: Sequence[int], flags: Mapping[str, Any], spec: Mapping[str, Any], metrics: Iterable[str]
) -> Matrix:
    """Return the matrix of the seeds and folds, with further ``metrics``.

    Raises:
        UsageError: a metric or an option of it is unknown.
    """
    from fecbench.bench.matrix import Matrix
    from fecbench.bench.matrix_entry import MatrixEntry
    from fecbench.bench.planned_run import PlannedRun
    from fecbench.bench.spec import Spec
    from fecbench.runs.plan import plan
    from fecbench.training.metrics import check_metric_name

    for metric in metrics:
        check_metric_name(metric)
    name, settings = chosen.name, chosen.settings
    folds = (
        [{}]
        if settings.folds is None or "fold" in {**spec, **flags}
        else [{"fold": fold} for fold in range(settings.folds)]
    )
    plans = [plan(name, {**flags, "seed": seed, **fold}, spec) for seed in seeds for fold in folds]
    entry = MatrixEntry(name, settings.dataset, ({},), (tuple(PlannedRun(name, one) for one in plans),))
    about = Spec(
        title=f"{_kind(settings.folds, len(seeds))} of {name} on {last_name(settings.dataset)}",
        datasets=[settings.dataset],
        seeds=list(seeds),
        objectives=[name],
        metrics=list(dict.fromkeys(metrics)),
    )
    return Matrix(about, (entry,), {})


def _kind(folds: int | None, seeds: int) -> str:
    if folds is None:
        return "1 seed" if seeds == 1 else f"{seeds} seeds"
    return f"{folds}-fold cross-validation" + (f" with {seeds} seeds" if seeds > 1 else "")


def _print(selection: Selection, tasks: list[BenchTask], as_json: bool) -> None:
    """Print mean and spread of the runs' scores."""
    from fecbench.results.leaderboard.assemble import board_of_selection
    from fecbench.results.leaderboard.formats.terminal import print_board

    board = board_of_selection(selection, [task.record for task in tasks])
    if as_json:
        print_json(_as_dict(board, tasks))
    else:
        print_board(board, console())


def _as_dict(board: Board, tasks: list[BenchTask]) -> dict[str, Any]:
    (table,) = board.tables
    (row,) = table.rows
    settings = tasks[0].planned.plan.settings
    return {
        "objective": row.objective,
        "dataset": table.datasets[0].name,
        "folds": settings.folds,
        "seed": settings.seed,
        "seeds": sorted({task.planned.plan.settings.seed for task in tasks}),
        "metrics": {"test": {metric: asdict(score) for metric, score in row.cells[0].scores.items()}},
        "runs": [str(task.record.folder) for task in tasks],
        "notes": table.notes,
    }
