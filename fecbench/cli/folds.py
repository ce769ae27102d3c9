"""``fecbench run ... --folds K``: run all folds of a cross-validation, as a benchmark with one row."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from fecbench.cli.bench import carried_out, estimates_of, failures
from fecbench.cli.terminal.interrupt import handle_stop_signals
from fecbench.cli.terminal.output import console, print_json
from fecbench.core.errors import UsageError
from fecbench.data.datasets.locations import DataLocations
from fecbench.runs.local_paths import last_name
from fecbench.runs.record import ROOT, RUN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from fecbench.bench.benchmark import BenchTask
    from fecbench.bench.matrix import Matrix, Selection
    from fecbench.results.leaderboard.board import Board
    from fecbench.runs.plan import Plan


ONE_RUN = ("tracker", "predictions", "expected", "stop_with_stdin")  # options of a command that carries out one run


def cross_validate(chosen: Plan, flags: Mapping[str, Any], spec: Mapping[str, Any], command: Mapping[str, Any]) -> None:
    """Run the folds that aren't complete, one after the other, and print mean and spread of their scores.

    Args:
        chosen: the plan of one of the folds.
        flags: the settings that flags give.
        spec: the settings that ``--settings`` gives.
        command: the values of the options that are no settings.

    Raises:
        UsageError: an option fits one run alone, or the folder is that of a run.
        FecbenchError: data, encoder or plugin are faulty, or the user stopped the runs.
    """
    from fecbench.bench.benchmark import Benchmark
    from fecbench.bench.workers import Workers

    _check_options(command)
    root = _root(chosen, command["run_dir"])
    matrix = _matrix(chosen, flags, spec, command["metric"])
    handle_stop_signals()
    benchmark = Benchmark.prepare(matrix, root, DataLocations(command["data_dir"]))
    benchmark.check_consent()
    tasks = carried_out(benchmark, estimates_of(benchmark), Workers())
    if failures(benchmark, tasks):
        sys.exit(1)
    _print(benchmark.selection(), tasks, command["json"])


def _check_options(command: Mapping[str, Any]) -> None:
    for name in ONE_RUN:
        if command[name]:
            raise UsageError(
                f"--{name.replace('_', '-')} needs a single run, but --folds starts several; leave it out, or choose "
                "one fold with --fold"
            )
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise UsageError("--folds starts a process for each fold, so it needs no launcher; add --fold")


def _root(chosen: Plan, asked: Path | None) -> Path:
    """Return the folder for the folds' runs: the same one for the same command, so that it continues them.

    Raises:
        UsageError: the folder is a file or that of a run.
    """
    settings = chosen.settings
    name = re.sub(r"[^\w.-]+", "-", f"{chosen.name}-{last_name(settings.dataset)}").strip("-.")
    root = asked or ROOT / f"{name}-{settings.folds}-folds"
    if (root / RUN).exists() or (root.exists() and not root.is_dir()):
        raise UsageError(
            f"--run-dir must be a folder for the runs of all folds, but {root} is a file or the record of one run; "
            "choose another"
        )
    return root


def _matrix(chosen: Plan, flags: Mapping[str, Any], spec: Mapping[str, Any], metrics: Iterable[str]) -> Matrix:
    """Return the matrix of the folds, with further ``metrics``.

    Raises:
        UsageError: a metric or an option of it is unknown.
    """
    from fecbench.bench.matrix import Matrix, MatrixEntry, PlannedRun
    from fecbench.bench.spec import Spec
    from fecbench.runs.plan import plan
    from fecbench.training.metrics import check_metric_name

    for metric in metrics:
        check_metric_name(metric)
    name, settings = chosen.name, chosen.settings
    title = f"{settings.folds}-fold cross-validation of {name} on {last_name(settings.dataset)}"
    plans = [plan(name, {**flags, "fold": fold}, spec) for fold in range(settings.folds or 0)]
    entry = MatrixEntry(name, settings.dataset, ({},), (tuple(PlannedRun(name, fold) for fold in plans),))
    about = Spec(
        title=title,
        datasets=[settings.dataset],
        seeds=[settings.seed],
        objectives=[name],
        metrics=list(dict.fromkeys(metrics)),
    )
    return Matrix(about, (entry,), {})


def _print(selection: Selection, tasks: list[BenchTask], as_json: bool) -> None:
    """Print mean and spread of the folds' scores."""
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
        "metrics": {"test": {metric: asdict(score) for metric, score in row.cells[0].scores.items()}},
        "runs": [str(task.record.folder) for task in tasks],
        "notes": table.notes,
    }
