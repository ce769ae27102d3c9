"""Make the rows of a spec: find the record of each planned run, or give the reason why it is missing."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from fecbench.results.leaderboard.board import Cell, DatasetVersion, Missing, Row
from fecbench.results.leaderboard.rows.by_settings import scores
from fecbench.results.leaderboard.rows.encoders import identities, with_encoder_names
from fecbench.results.leaderboard.run import newest_first
from fecbench.runs.identity import VARIES_IN_A_CELL, order_of, repetition
from fecbench.runs.local_paths import name_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence, Set
    from pathlib import Path

    from fecbench.bench.planned_run import PlannedRun
    from fecbench.bench.selection import Selection
    from fecbench.results.leaderboard.rows.encoders import Identity
    from fecbench.results.leaderboard.run import Run

    Candidates = list[tuple[PlannedRun, list[Run]]]


OTHER_ROWS = "run on another version of the data set than the newest run of the column"
OTHER_WEIGHTS = "run with other encoder weights than the newest run of the same row and data set"
NOTHING_CHOSEN = "its settings aren't chosen yet"


def rows(selection: Selection, runs: Sequence[Run]) -> tuple[tuple[DatasetVersion, ...], tuple[Row, ...]]:
    """Return the data set versions and the rows of a spec's table.

    A record belongs to a planned run if its objective and all settings but the device are the same. Of several records
    the newest complete one counts. The runs of a column must have the data rows of its newest run, and the seeds of a
    cell must have the encoder weights of its newest run.
    """
    sorted_runs = newest_first(runs)
    columns = {name: _candidates(selection, name, sorted_runs) for name in selection.datasets}
    versions = {name: _version(name, found) for name, found in columns.items()}
    encoders = identities(list(_every(columns)))  # of all runs at once: one run can reveal that a name is pretrained
    objectives = {planned.row: planned.plan.name for planned in (*selection.trials, *selection.runs)}
    names = selection.rows or tuple(objectives)
    tried = {(planned.row, planned.plan.settings.dataset) for planned in selection.trials}
    table_rows = [_row(name, objectives[name], columns, versions, encoders, tried) for name in names]
    return tuple(versions.values()), _named(table_rows)


def mixed_trials(selection: Selection, runs: Sequence[Run]) -> Iterator[str]:
    """Yield a note for each row whose trials had encoders of one name but different weights."""
    complete = newest_first(run for run in runs if run.status == "complete")
    matching = [
        (planned, next((run for run in complete if planned.is_of(run.objective, run.settings)), None))
        for planned in selection.trials
    ]
    found = [(planned.row, run) for planned, run in matching if run]
    encoders = identities([run for _, run in found])
    weights: dict[tuple[str, str, str], set[Identity]] = defaultdict(set)
    for row, run in found:
        weights[row, run.dataset, run.encoder].add(encoders[run.record.folder])
    for (row, dataset, encoder), several in weights.items():
        if len(several) > 1:
            yield (
                f"{row} on {dataset}: validation chose among trials with different weights of the encoder {encoder}; "
                "run these trials again"
            )


def _candidates(selection: Selection, dataset: str, runs: Sequence[Run]) -> Candidates:
    """Return the planned runs on a data set, each with the runs that match it, newest first."""
    wanted = [planned for planned in selection.runs if planned.plan.settings.dataset == dataset]
    return [(planned, [run for run in runs if planned.is_of(run.objective, run.settings)]) for planned in wanted]


def _every(columns: Mapping[str, Candidates]) -> Iterator[Run]:
    for candidates in columns.values():
        for _, found in candidates:
            yield from found


def _version(name: str, candidates: Candidates) -> DatasetVersion:
    """Return the data set version of the newest complete run of a column; without one, a version with a name only."""
    complete = [run for _, found in candidates for run in found if run.status == "complete"]
    if not complete:
        return DatasetVersion(name_of("dataset", name), name_of("dataset", name), "")
    newest = newest_first(complete)[0]
    return DatasetVersion(newest.dataset, newest.title, newest.fingerprint)


def _row(
    name: str,
    objective: str,
    columns: Mapping[str, Candidates],
    versions: Mapping[str, DatasetVersion],
    encoders: Mapping[Path, Identity],
    tried: Set[tuple[str, str]],
) -> Row:
    cells = []
    for dataset, found in columns.items():
        wanted = [(planned, runs) for planned, runs in found if planned.row == name]
        if wanted:
            cells.append(_cell(wanted, versions[dataset].fingerprint, encoders))
        elif (name, dataset) in tried:
            cells.append(Cell({}, {}, missing=(Missing(None, NOTHING_CHOSEN),)))
        else:  # the spec doesn't run this row on this data set
            cells.append(Cell({}, {}))
    return Row(name, objective, tuple(cells))


def _cell(wanted: Candidates, fingerprint: str, encoders: Mapping[Path, Identity]) -> Cell:
    """Return the cell of a row's planned runs on a data set version, with the matching runs of each."""
    complete = [
        run for _, runs in wanted for run in runs if run.status == "complete" and run.fingerprint == fingerprint
    ]
    newest = next(iter(newest_first(complete)), None)
    usable = {
        run.record.folder
        for run in complete
        if newest and encoders[run.record.folder] == encoders[newest.record.folder]
    }
    found, missing = [], []
    for planned, runs in wanted:
        own = [run for run in runs if run.record.folder in usable]
        if own:
            found.append(own[0])
        else:
            missing.append(Missing(repetition(planned.settings), _reason(runs, fingerprint)))
    settings = {key: value for key, value in wanted[0][0].settings.items() if key not in VARIES_IN_A_CELL}
    return Cell(scores(found), settings, tuple(sorted(found, key=lambda run: order_of(run.repetition))), tuple(missing))


def _reason(runs: Sequence[Run], fingerprint: str) -> str:
    """Return the reason why a planned run is missing, from the newest run that matches it."""
    if not runs:
        return "not run"
    if runs[0].status != "complete":
        return runs[0].reason
    return OTHER_WEIGHTS if any(run.fingerprint == fingerprint for run in runs) else OTHER_ROWS


def _named(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Return rows in which each encoder has a name of its own."""
    runs = with_encoder_names([run for row in rows for cell in row.cells for run in cell.runs])
    return tuple(
        replace(row, cells=tuple(_of_runs(cell, [runs[run.record.folder] for run in cell.runs]) for cell in row.cells))
        for row in rows
    )


def _of_runs(cell: Cell, runs: Sequence[Run]) -> Cell:
    if "encoder" not in cell.settings:
        return cell
    encoder = runs[0].settings["encoder"] if runs else name_of("encoder", cell.settings["encoder"])
    return replace(cell, runs=tuple(runs), settings={**cell.settings, "encoder": encoder})
