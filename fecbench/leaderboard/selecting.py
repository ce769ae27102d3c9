"""Rows by a spec: every run that it wants, found or said to be missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fecbench.leaderboard.board import Cell, DatasetVersion, Missing, Row
from fecbench.leaderboard.grouping import OF_A_RUN, scores
from fecbench.leaderboard.places import name_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fecbench.leaderboard.reading import Run
    from fecbench.matrix import Cell as Wanted
    from fecbench.matrix import Selection

    Candidates = list[tuple[Wanted, list[Run]]]

OTHER_ROWS = "run on other rows of the data than the newest run of its column"
NOTHING_CHOSEN = "nothing is chosen for it yet"


def rows(selection: Selection, runs: Sequence[Run]) -> tuple[tuple[DatasetVersion, ...], tuple[Row, ...]]:
    """The data set versions and the rows of a selection's table.

    A run is what a cell wants where the objective's name and every setting are the same, the device aside. Of several the newest complete
    one counts; those of a column must be of the same rows as its newest.
    """
    newest_first = sorted(runs, key=lambda run: run.started, reverse=True)
    columns = {name: _candidates(selection, name, newest_first) for name in selection.datasets}
    versions = {name: _version(name, found) for name, found in columns.items()}
    objectives = {cell.row: cell.plan.name for cell in (*selection.trials, *selection.cells)}
    names = selection.rows or tuple(objectives)
    return tuple(versions.values()), tuple(_row(name, objectives[name], columns, versions) for name in names)


def _candidates(selection: Selection, dataset: str, runs: Sequence[Run]) -> Candidates:
    """Every wanted cell on a data set with the runs that it may be, newest first."""
    wanted = [cell for cell in selection.cells if cell.plan.settings.dataset == dataset]
    return [(cell, [run for run in runs if cell.is_of(run.objective, run.settings)]) for cell in wanted]


def _version(name: str, candidates: Candidates) -> DatasetVersion:
    """The rows of the newest complete run of a column; without one, the name alone."""
    complete = [run for _, found in candidates for run in found if run.status == "complete"]
    if not complete:
        return DatasetVersion(name_of("dataset", name), name_of("dataset", name), "")
    newest = max(complete, key=lambda run: run.started)
    return DatasetVersion(newest.dataset, newest.title, newest.fingerprint)


def _row(name: str, objective: str, columns: Mapping[str, Candidates], versions: Mapping[str, DatasetVersion]) -> Row:
    own = {dataset: [(cell, runs) for cell, runs in found if cell.row == name] for dataset, found in columns.items()}
    return Row(name, objective, tuple(_cell(found, versions[dataset].fingerprint) for dataset, found in own.items()))


def _cell(wanted: Candidates, fingerprint: str) -> Cell:
    if not wanted:
        return Cell({}, {}, missing=(Missing(None, NOTHING_CHOSEN),))
    found, missing = [], []
    for cell, runs in wanted:
        complete = [run for run in runs if run.status == "complete" and run.fingerprint == fingerprint]
        if complete:
            found.append(complete[0])
        else:
            missing.append(Missing(cell.plan.settings.seed, _reason(runs)))
    settings = {key: value for key, value in wanted[0][0].settings.items() if key not in OF_A_RUN}
    return Cell(scores(found), settings, tuple(sorted(found, key=lambda run: run.seed)), tuple(missing))


def _reason(runs: Sequence[Run]) -> str:
    """Why a cell's run isn't there, by the newest attempt."""
    if not runs:
        return "not run"
    return OTHER_ROWS if runs[0].status == "complete" else runs[0].reason
