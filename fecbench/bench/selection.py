"""The runs behind a spec's table, with the settings that validation chose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fecbench.bench.planned_run import PlannedRun


@dataclass(frozen=True)
class Selection:
    """The runs behind a spec's table.

    Attributes:
        title: the spec's title.
        datasets: the data sets of the table's columns, in order.
        runs: the planned runs of the table, row by row.
        notes: the spec's own notes, the outcome of each grid or search, and the methods left out with the reasons.
        declared: True if the spec declares its rows; they are then compared across encoders and budgets.
        trials: the planned runs that validation chooses from.
        rows: the names of all rows, with those whose settings aren't chosen yet.
        metrics: further metrics of the table.
        choices: the notes among ``notes`` on the outcomes of grids.
    """

    title: str
    datasets: tuple[str, ...]
    runs: tuple[PlannedRun, ...]
    notes: tuple[str, ...] = ()
    declared: bool = False
    trials: tuple[PlannedRun, ...] = ()
    rows: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
