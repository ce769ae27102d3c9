"""``fecbench bench SPEC``: run a benchmark's whole matrix."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fecbench.cli.data import DATA_DIR
from fecbench.cli.terminal.echo import echo
from fecbench.cli.terminal.output import console, print_json
from fecbench.core.errors import FecbenchError, UsageError
from fecbench.core.options import PATH
from fecbench.data.datasets.locations import DataLocations
from fecbench.runs.record import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fecbench.bench.benchmark import Benchmark
    from fecbench.bench.status import BenchStatus
    from fecbench.bench.time_estimates import Estimates
    from fecbench.bench.workers import Engine
    from fecbench.runs.record import Record

RESULTS = Path("benchmarks/results")


@click.command()
@click.argument("spec", type=PATH)
@DATA_DIR
@click.option("--root", type=PATH, help="folder of the runs  [default: runs/NAME-OF-SPEC]")
@click.option("--done", type=PATH, help="folder of published records: a run that is complete there isn't run again")
@click.option("--dry-run", is_flag=True, help="print what would run, with an estimate of time, and start nothing")
@click.option(
    "--smoke", is_flag=True, help="every row at its smallest: tiny random encoders, one step on the demo data"
)
@click.option("--force", is_flag=True, help="run again what is complete; earlier records are set aside, not deleted")
@click.option(
    "--workers", type=click.IntRange(min=1), help="runs at once  [default: 1, or one for each slot of --devices]"
)
@click.option("--devices", default="", help="GPUs to place runs on, as cuda:0,cuda:1  [default: each run's own choice]")
@click.option(
    "--per-device", type=click.IntRange(min=1), default=1, show_default=True, help="runs at once on each device"
)
@click.option(
    "--engine", type=click.Choice(["loky", "dask", "ray"]), default="loky", show_default=True, help="loky: this machine"
)
@click.option("--address", help="the Dask scheduler's or Ray cluster's address  [default: one started on this machine]")
@click.option("--json", "as_json", is_flag=True, help="print the state of every run as JSON at the end")
def bench(
    spec: Path,
    data_dir: Path | None,
    root: Path | None,
    done: Path | None,
    dry_run: bool,
    smoke: bool,
    force: bool,
    as_json: bool,
    **how: Any,
) -> None:
    """Run every method of the benchmark SPEC (a TOML file) on its data sets, for all its seeds.

    What is complete isn't repeated and what was broken off is continued, so that the same command goes on where it was stopped. A run that
    fails stops no other; the exit code is 1 then, and after --dry-run where a row can't start on this machine.
    """
    from fecbench.bench import benchmark, matrix
    from fecbench.bench.spec import read_spec

    for number in (signal.SIGINT, signal.SIGTERM):  # a scheduler's stop is a user's stop
        signal.signal(number, signal.default_int_handler)
    workers, root = _workers(**how), root or ROOT / f"{spec.stem}{'-smoke' if smoke else ''}"
    if root.exists() and not root.is_dir():
        raise UsageError(f"--root must be a folder for the runs, but {root} is a file; choose another")
    wanted = matrix.expand(read_spec(spec))
    wanted, complete = benchmark.smoke(wanted) if smoke else wanted, _complete(done, force)
    if dry_run:
        surveyed = benchmark.Benchmark.survey(wanted, root, DataLocations(data_dir), complete)
        _print_plan(surveyed, workers.number or 1, as_json)
        sys.exit(1 if surveyed.missing else 0)
    prepared = benchmark.Benchmark.prepare(wanted, root, DataLocations(data_dir), complete)
    prepared.check_consent()
    if force:
        prepared.set_aside()
    _carry_out(prepared, workers, as_json)


def _complete(done: Path | None, force: bool) -> Mapping[str, Record]:
    """Return the complete records under ``done`` by name; print why others don't count.

    Raises:
        UsageError: there is no such folder, or all is to be run again.
    """
    if done is None:
        return {}
    if force:
        raise UsageError("--force runs again what is complete, and --done counts it; leave one of them out")
    from fecbench.bench.published_records import complete_records

    found, broken = complete_records(done)
    for reason in broken:
        echo(reason, err=True)
    return found


def _workers(workers: int | None, devices: str, per_device: int, engine: Engine, address: str | None) -> Any:
    """As many runs at once as there are slots, and each run's share of this machine's cores."""
    from fecbench.bench.workers import Workers

    if address and engine == "loky":
        raise UsageError("--address is a cluster's, and loky is this machine; say --engine dask or --engine ray")
    places = tuple(device.strip() for device in devices.split(",") if device.strip())
    number = workers or len(places) * per_device or (None if address else 1)
    threads = (
        max(1, (os.cpu_count() or 1) // number)
        if engine == "loky" and number and "OMP_NUM_THREADS" not in os.environ
        else None
    )
    return Workers(engine, number, address, places, per_device, threads)


def _carry_out(prepared: Benchmark, workers: Any, as_json: bool) -> None:
    from fecbench.cli.terminal.bench_progress import Watch

    with Watch(prepared, _estimates(prepared), workers.number or 1):
        try:
            prepared.carry_out(workers)
        except KeyboardInterrupt:
            raise FecbenchError(
                "stopped; the same command goes on where it was, and repeats nothing that is complete"
            ) from None
    tasks = prepared.all_tasks()
    failed = [task for task in tasks if task.status != "complete"]
    for note in prepared.selection().notes:
        echo(note, err=True)
    if as_json:
        print_json(
            [
                {"row": t.cell.row, "dataset": t.cell.plan.settings.dataset, "seed": t.cell.plan.settings.seed, "status": t.status,
                 "folder": str(t.record.folder), "reason": t.reason if t in failed else ""}
                for t in tasks
            ]
        )  # fmt: skip
    for task in failed:
        echo(f"failed: {task.record.id}: {task.reason} (all it said: {task.log})", err=True)
    echo(f"{len(tasks) - len(failed)} of {len(tasks)} runs complete, under {prepared.root}", err=True)
    sys.exit(1 if failed else 0)


def _estimates(prepared: Benchmark) -> Estimates:
    from fecbench.bench.time_estimates import Estimates

    return Estimates.under(*dict.fromkeys((prepared.root, ROOT, RESULTS)))


def _print_plan(prepared: Benchmark, workers: int, as_json: bool) -> None:
    """Print the progress of each row and an estimate of the time left."""
    from dataclasses import asdict

    from fecbench.bench.status import bench_status, total
    from fecbench.bench.time_estimates import in_words
    from fecbench.cli.terminal.bench_progress import table

    rows = bench_status(prepared, _estimates(prepared))
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
    """Return the rows that can't start, by reason."""
    by_reason: dict[str, list[str]] = {}
    for row in rows:
        for reason in row.missing:
            by_reason.setdefault(reason, []).append(f"{row.row} on {row.dataset}")
    return by_reason
