"""Many runs: read the records of a folder, make a data frame or a leaderboard of them, carry out a spec."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, overload

from fecbench.api.given_values import names_of, seeds_of
from fecbench.api.run import Run
from fecbench.core.errors import RunError, UsageError
from fecbench.core.paths import path_of
from fecbench.core.text import shortened
from fecbench.runs.find import find_records, newest_first
from fecbench.runs.record import ROOT

if TYPE_CHECKING:
    import pandas as pd

    from fecbench.bench.spec import Spec
    from fecbench.results.leaderboard.board import Board
    from fecbench.runs.record import Record

SHOWN = ("encoder", "seed", "epochs", "lr", "batch_size")  # settings that every table of runs has


@dataclass(frozen=True, eq=False)
class Runs(Sequence[Run]):
    """Complete runs, the newest first.

    Attributes:
        runs: the runs.
        spec: the spec whose table they fill; None without a spec.
    """

    runs: tuple[Run, ...]
    spec: Spec | None = None

    @overload
    def __getitem__(self, index: int) -> Run: ...

    @overload
    def __getitem__(self, index: slice) -> Runs: ...

    def __getitem__(self, index: int | slice) -> Run | Runs:
        return Runs(self.runs[index], self.spec) if isinstance(index, slice) else self.runs[index]

    def __len__(self) -> int:
        return len(self.runs)

    def __repr__(self) -> str:
        return f"<Runs: {len(self)} complete runs>"

    def to_frame(self) -> pd.DataFrame:
        """Return a row for each run: id, objective, data set, main settings, and the scores as ``SPLIT_METRIC``."""
        import pandas as pd

        return pd.DataFrame([_row(run) for run in self.runs])

    def leaderboard(
        self,
        columns: str | Sequence[str] = (),
        against: str | None = None,
        metrics: str | Sequence[str] = (),
        best_trial: bool = False,
    ) -> Board:
        """Return the leaderboard of the runs, as ``fecbench leaderboard`` makes it; a notebook shows it as a table.

        Args:
            columns: data sets to put side by side; a table for each if empty. A spec has its own.
            against: method whose gain over the best baseline is shown.
            metrics: further metrics, and figures such as ``class_f1``, ``seconds`` or ``parameters``.
            best_trial: keep of each method, encoder and budget the settings with the best validation score; of no
                effect with a spec, which has chosen already.

        Raises:
            UnknownName: no run has such a data set, method or metric.
        """
        from fecbench.results.leaderboard.assemble import board_of_records, board_of_selection
        from fecbench.terminal.status_line import status_line

        records = [run.record for run in self.runs]
        columns, metrics = names_of(columns, "columns"), names_of(metrics, "metrics")
        with status_line() as report:
            if self.spec is None:
                return board_of_records(
                    records, columns, against, report=report, metrics=metrics, best_trial=best_trial
                )
            from fecbench.bench.comparable_records import Records
            from fecbench.bench.matrix import select

            selection = select(self.spec, Records(records))
            selection = replace(selection, metrics=(*selection.metrics, *metrics))
            return board_of_selection(selection, records, against, report)

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(max_rows=20, float_format="{:.4f}".format))


def load_runs(*folders: str | os.PathLike[str]) -> Runs:
    """Load the complete runs under ``folders`` (default: ``runs``), at any depth, the newest first.

    A warning names those whose records are broken; they are left out.

    Raises:
        UsageError: one of them is no folder.
        RunError: they hold no complete run.
    """
    wanted = [path_of(folder) for folder in folders] or [ROOT]
    complete = [record for record in newest_first(find_records(wanted)) if record.status == "complete"]
    records = list(filter(_is_whole, complete))
    broken = [record.id for record in complete if not _is_whole(record)]
    if broken:
        warnings.warn(f"left out because their records are broken: {shortened(broken)}", stacklevel=2)
    if not records:
        where = ", ".join(map(str, wanted))
        raise RunError(f'a complete run is needed, but none is under {where}; make one with fecbench.run("ce", "demo")')
    return Runs(tuple(map(Run, records)))


def _is_whole(record: Record) -> bool:
    """Return False if the files of a complete run's record are broken or were edited."""
    try:
        return bool(record.run_file and record.result_file)
    except RunError:
        return False


def run_spec(
    spec: str | os.PathLike[str],
    *,
    datasets: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] = (),
    seeds: Sequence[int] = (),
    limit: int | None = None,
    root: str | os.PathLike[str] | None = None,
    workers: int = 1,
    data_dir: str | os.PathLike[str] | None = None,
    progress: bool = True,
) -> Runs:
    """Carry out the runs of a benchmark spec that aren't complete yet, and return the complete ones.

    It is ``fecbench bench``: the same runs in the same folders.

    Args:
        spec: path of the spec, a TOML file.
        datasets: data sets, or one, to run on instead of the spec's.
        seeds: seeds to run instead of the spec's.
        limit: number of training rows instead of the spec's.
        root: folder of the runs; ``runs/NAME-OF-THE-SPEC`` if None.
        workers: number of runs at a time.
        data_dir: folder to search for named data sets.
        progress: show a table of what is running.

    Raises:
        FecbenchError: the spec, a data set, an encoder or ``workers`` is faulty.
        RunError: a run failed; the message names it, and the other runs are complete.
    """
    from contextlib import nullcontext

    from fecbench.bench.benchmark import Benchmark
    from fecbench.bench.matrix import expand
    from fecbench.bench.overrides import override
    from fecbench.bench.spec import read_spec
    from fecbench.bench.time_estimates import Estimates
    from fecbench.bench.workers import Workers
    from fecbench.data.datasets.locations import DataLocations
    from fecbench.terminal.bench_progress import Watch
    from fecbench.training.devices import check_not_launched

    check_not_launched("run_spec")
    if not isinstance(workers, int) or workers < 1:
        raise UsageError(f"workers must be an integer, at least 1, but is {workers!r}; correct it")
    path = path_of(spec)
    chosen = override(read_spec(path), names_of(datasets, "datasets"), seeds_of(seeds), limit)
    folder = ROOT / path.stem if root is None else path_of(root)
    locations = DataLocations(None if data_dir is None else path_of(data_dir))
    prepared = Benchmark.prepare(expand(chosen), folder, locations)
    prepared.check_consent()
    estimates = Estimates.under(folder)
    cores = None if "OMP_NUM_THREADS" in os.environ else os.cpu_count()
    threads = max(1, cores // workers) if cores else None
    with Watch(prepared, estimates, workers) if progress else nullcontext():
        prepared.carry_out(Workers(number=workers, threads=threads))
    failed = [task for task in prepared.all_tasks() if task.status != "complete"]
    if failed:
        first = failed[0]
        raise RunError(
            f"{len(failed)} of the runs of {path} failed; the first is {first.record.id}: {first.reason} (its output: "
            f"{first.log}); correct it and call run_spec again, which goes on"
        )
    return Runs(tuple(Run(task.record) for task in prepared.all_tasks()), chosen)


def _row(run: Run) -> dict[str, Any]:
    settings = run.settings
    about = {"id": run.id, "objective": run.objective, "dataset": run.dataset}
    scores = {f"{split}_{name}": value for split, scores in run.scores.items() for name, value in scores.items()}
    return {**about, **{name: settings[name] for name in SHOWN}, **scores}
