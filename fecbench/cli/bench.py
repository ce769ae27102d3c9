"""``fecbench bench SPEC``: run all methods, data sets and seeds of a benchmark."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fecbench.cli.common_options import DATA_DIR
from fecbench.cli.seed_numbers import seed_numbers
from fecbench.core.errors import FecbenchError, UsageError
from fecbench.core.options import PATH
from fecbench.data.datasets.locations import DataLocations
from fecbench.runs.record import ROOT
from fecbench.terminal.echo import echo
from fecbench.terminal.fast_import import fast_import
from fecbench.terminal.interrupt import handle_stop_signals
from fecbench.terminal.output import console, print_if_watched, print_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fecbench.bench.bench_task import BenchTask
    from fecbench.bench.benchmark import Benchmark
    from fecbench.bench.matrix import Matrix
    from fecbench.bench.status import BenchStatus
    from fecbench.bench.time_estimates import Estimates
    from fecbench.bench.workers import Engine
    from fecbench.runs.record import Record

PUBLISHED = "results"  # folder of published records beside a spec; they allow estimates before the first run
PREPARING = "reading data sets and trying encoders"


@click.command()
@click.argument("spec", type=PATH)
@DATA_DIR
@click.option(
    "--dataset",
    "datasets",
    multiple=True,
    help="data set to run on instead of the spec's, one of these or another (may be repeated)",
)
@click.option(
    "--seeds", type=seed_numbers, metavar="SEEDS", help="seeds to run instead of the spec's, such as 0-4 or 0,1,7"
)
@click.option(
    "--limit", type=click.IntRange(min=1), help="number of training rows instead of the spec's, for a quick try"
)
@click.option("--root", type=PATH, help="folder for the runs  [default: runs/NAME-OF-SPEC]")
@click.option("--done", type=PATH, help="folder of published records; a run that is complete there is not repeated")
@click.option("--dry-run", is_flag=True, help="print the planned runs with estimated times, and start nothing")
@click.option(
    "--smoke", is_flag=True, help="run every row at its smallest: a tiny random encoder, one step on the demo data"
)
@click.option("--force", is_flag=True, help="repeat complete runs; their earlier records are set aside, not deleted")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="number of runs at once  [default: 1, or the number of slots of --devices]",
)
@click.option(
    "--devices", default="", help="GPUs to distribute the runs over, as cuda:0,cuda:1  [default: each run chooses]"
)
@click.option(
    "--per-device",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="number of runs at once on each of --devices",
)
@click.option(
    "--engine",
    type=click.Choice(["loky", "dask", "ray"]),
    default="loky",
    show_default=True,
    help="library that starts the runs: loky on this machine, dask or ray on a cluster",
)
@click.option(
    "--address", help="address of the Dask scheduler or Ray cluster  [default: one that is started on this machine]"
)
@click.option("--json", "as_json", is_flag=True, help="print the state of every run as JSON at the end")
def bench(
    spec: Path,
    data_dir: Path | None,
    datasets: tuple[str, ...],
    seeds: list[int] | None,
    limit: int | None,
    root: Path | None,
    done: Path | None,
    dry_run: bool,
    smoke: bool,
    force: bool,
    as_json: bool,
    **parallel: Any,
) -> None:
    """Run all methods, data sets and seeds of a benchmark.

    SPEC is the benchmark's TOML file. Complete runs are skipped and unfinished runs are continued, so the same command
    continues a stopped benchmark. A failed run does not stop the others. The exit code is 1 if a run failed or, with
    --dry-run, if a row can't start on this machine.

    \b
    Examples:
      fecbench bench benchmarks/demo.toml --dry-run
      fecbench bench benchmarks/minilm.toml --devices cuda:0,cuda:1
      fecbench bench benchmarks/minilm.toml --dataset path/to/folder --seeds 0 --limit 500
    """
    with fast_import():
        from fecbench.bench.benchmark import Benchmark
        from fecbench.bench.matrix import expand
        from fecbench.bench.overrides import override
        from fecbench.bench.smoke import smoke as smallest
        from fecbench.bench.spec import read_spec
        from fecbench.training.devices import check_not_launched

    check_not_launched("fecbench bench")
    handle_stop_signals()
    workers, root = _workers(**parallel), root or ROOT / f"{spec.stem}{'-smoke' if smoke else ''}"
    if root.exists() and not root.is_dir():
        raise UsageError(f"--root must be a folder for the runs, but {root} is a file; choose another")
    given = read_spec(spec)
    chosen = override(given, datasets, seeds or (), limit)
    wanted = expand(chosen)
    wanted, complete = smallest(wanted) if smoke else wanted, _complete(done, force)
    print_if_watched(PREPARING)
    if dry_run:
        surveyed = Benchmark.survey(wanted, root, DataLocations(data_dir), complete)
        _print_plan(surveyed, estimates_of(surveyed, spec.parent / PUBLISHED), workers.number or 1, as_json)
        sys.exit(1 if surveyed.missing else 0)
    prepared = Benchmark.prepare(wanted, root, DataLocations(data_dir), complete)
    prepared.check_consent()
    if force:
        prepared.set_aside()
    _carry_out(prepared, estimates_of(prepared, spec.parent / PUBLISHED), workers, as_json)
    if not smoke:
        echo(f"next: {_next(prepared, spec if chosen == given else None, done)}", err=True)


def _next(prepared: Benchmark, spec: Path | None, done: Path | None) -> str:
    """Return the command that shows the table of a bench; ``spec`` is None if options overrode the spec."""
    table = ["--spec", str(spec)] if spec else ["--best-trial"] if _chooses(prepared.matrix) else []
    folders = [str(folder) for folder in (prepared.root, done) if folder]
    return shlex.join(["fecbench", "leaderboard", *folders, *table])


def _chooses(matrix: Matrix) -> bool:
    """Return True if validation chooses settings of each method: a board without the spec would show every trial.

    Declared rows of one method are apart on a board only if all of its trials are shown.
    """
    methods = {entry.row: entry.runs[0][0].plan.name for entry in matrix.entries}
    return any(entry.trials > 1 for entry in matrix.entries) and len(set(methods.values())) == len(methods)


def _complete(done: Path | None, force: bool) -> Mapping[str, Record]:
    """Return the complete records under ``done`` by name, and print why others don't count.

    Raises:
        UsageError: the folder does not exist, or --force is given too.
    """
    if done is None:
        return {}
    if force:
        raise UsageError("--force repeats complete runs, but --done skips them; leave one of them out")
    from fecbench.bench.published_records import complete_records

    records, broken = complete_records(done)
    for reason in broken:
        echo(reason, err=True)
    return records


def _workers(workers: int | None, devices: str, per_device: int, engine: Engine, address: str | None) -> Any:
    """Return the settings of the workers: one for each device slot, each with its share of this machine's cores."""
    from fecbench.bench.workers import Workers

    if address and engine == "loky":
        raise UsageError(
            "--address needs --engine dask or --engine ray, but the engine is loky; choose one or leave out --address"
        )
    names = tuple(device.strip() for device in devices.split(",") if device.strip())
    number = workers or len(names) * per_device or (None if address else 1)
    threads = None
    # By default each run would use a thread for every core of the machine.
    if engine == "loky" and number and "OMP_NUM_THREADS" not in os.environ:
        threads = max(1, (os.cpu_count() or 1) // number)
    return Workers(engine, number, address, names, per_device, threads)


def _carry_out(prepared: Benchmark, estimates: Estimates, workers: Any, as_json: bool) -> None:
    tasks = carried_out(prepared, estimates, workers)
    for note in prepared.selection().notes:
        echo(note, err=True)
    if as_json:
        print_json([_state(task) for task in tasks])
    if failures(prepared, tasks):
        sys.exit(1)


def carried_out(prepared: Benchmark, estimates: Estimates, workers: Any) -> list[BenchTask]:
    """Execute what is left of a benchmark, show its progress, and return all its runs.

    Raises:
        FecbenchError: the user stopped it.
    """
    from fecbench.terminal.bench_progress import Watch

    with Watch(prepared, estimates, workers.number or 1):
        try:
            prepared.carry_out(workers)
        except KeyboardInterrupt:
            raise FecbenchError(
                "stopped; run the same command again to continue (complete runs are not repeated)"
            ) from None
    return prepared.all_tasks()


def failures(prepared: Benchmark, tasks: list[BenchTask]) -> int:
    """Print the failed runs with their reasons and the number of complete ones; return the number of failed ones."""
    failed = [task for task in tasks if task.status != "complete"]
    for task in failed:
        echo(f"failed: {task.record.id}: {task.reason} (its output: {task.log})", err=True)
    echo(f"{len(tasks) - len(failed)} of {len(tasks)} runs complete, under {prepared.root}", err=True)
    return len(failed)


def _state(task: BenchTask) -> dict[str, Any]:
    """Return a run's state as a JSON object."""
    settings = task.planned.plan.settings
    return {
        "row": task.planned.row,
        "dataset": settings.dataset,
        "seed": settings.seed,
        **({} if settings.folds is None else {"fold": settings.fold}),
        "status": task.status,
        "folder": str(task.record.folder),
        "reason": "" if task.status == "complete" else task.reason,
    }


def estimates_of(prepared: Benchmark, *folders: Path) -> Estimates:
    """Return estimates from the benchmark's own runs, those under ``runs``, and the records in ``folders``."""
    from fecbench.bench.time_estimates import Estimates

    return Estimates.under(*dict.fromkeys((prepared.root, ROOT, *folders)))


def _print_plan(prepared: Benchmark, estimates: Estimates, workers: int, as_json: bool) -> None:
    """Print the state of the benchmark and the estimated time of the runs that are left."""
    from dataclasses import asdict

    from fecbench.bench.status import bench_status, total
    from fecbench.bench.time_estimates import in_words
    from fecbench.terminal.bench_progress import table

    rows = bench_status(prepared, estimates)
    if as_json:
        print_json([asdict(row) for row in rows])
        return
    left = in_words(total(rows, workers))
    at_once = "1 run at a time" if workers == 1 else f"{workers} runs at a time"
    console().print(table(rows, f"time left, {at_once}: {left} (estimated from earlier runs)"))
    for note in prepared.selection().notes:
        echo(note)
    for reason, names in _missing(rows).items():
        echo(f"can't start: {', '.join(names)}: {reason}", err=True)


def _missing(rows: list[BenchStatus]) -> dict[str, list[str]]:
    """Return the rows that can't start on this machine, by reason."""
    rows_of: dict[str, list[str]] = {}
    for row in rows:
        for reason in row.missing:
            rows_of.setdefault(reason, []).append(f"{row.row} on {row.dataset}")
    return rows_of
