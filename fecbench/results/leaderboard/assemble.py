"""Make a board from run records, with or without a spec."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fecbench.core.errors import UnknownName
from fecbench.core.text import shortened
from fecbench.results.leaderboard.board import Board, Column, Table
from fecbench.results.leaderboard.further_metrics import with_metrics
from fecbench.results.leaderboard.rows import by_settings, by_spec
from fecbench.results.leaderboard.rows.by_settings import chosen, versions
from fecbench.results.leaderboard.rows.by_spec import mixed_trials
from fecbench.results.leaderboard.rows.code_versions import mixed
from fecbench.results.leaderboard.rows.hide_paths import hide_paths
from fecbench.results.leaderboard.rows.notes import notes_of
from fecbench.results.leaderboard.run import LABEL_SETS, UNSCORED, read_runs, silent
from fecbench.results.leaderboard.statistics import ranking
from fecbench.results.leaderboard.statistics.most_frequent import most_frequent
from fecbench.results.leaderboard.statistics.significance import Tests
from fecbench.runs.local_paths import without_local_paths

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fecbench.bench.matrix import Selection
    from fecbench.results.leaderboard.board import DatasetVersion, Row
    from fecbench.results.leaderboard.run import Report
    from fecbench.runs.record import Record


AGAINST = "aml"


@dataclass(frozen=True)
class TableRows:
    """The rows of a table, before ranks, gains and tests are computed.

    Attributes:
        title: the table's heading.
        datasets: the data sets, a group of columns each.
        rows: the methods, with a cell for each data set.
        declared: True if all rows may be compared.
        against: the method whose gain over the best baseline is shown.
        notes: notes to put before the computed ones.
        tested: True if rows are tested against the best; published scores can't be.
        report: called with a line for each step.
    """

    title: str
    datasets: Sequence[DatasetVersion]
    rows: Sequence[Row]
    declared: bool
    against: str
    notes: tuple[str, ...] = ()
    tested: bool = True
    report: Report = silent

    def table(self) -> Table:
        """Return the table with ranks, gains, tests and notes."""
        wanted = [
            (dataset, metric)
            for dataset in range(len(self.datasets))
            for metric in ranking.metrics_of(self.rows, dataset)
        ]
        gains, gain_notes = ranking.gains(self.rows, wanted, self.declared, self.against)
        tests = Tests(self.rows, self.declared, self.report)
        columns = tuple(self._column(dataset, metric, tests) for dataset, metric in wanted)
        rows = tuple(map(hide_paths, self.rows))  # after all comparisons: two folders can have the same last part
        notes = (*mixed(rows), *self.notes, *gain_notes, *notes_of(rows, self.datasets, self.declared))
        baseline = most_frequent(rows, wanted)
        return Table(self.title, tuple(self.datasets), columns, rows, gains, self.declared, notes, baseline)

    def _column(self, dataset: int, metric: str, tests: Tests) -> Column:
        groups = ranking.groups(self.rows, self.declared, dataset)
        best, second = ranking.ranked(ranking.means(self.rows, dataset, metric), groups)
        comparisons = tests.column(dataset, metric) if self.tested else ()
        return Column(dataset, metric, ranking.LABELS.get(metric, metric), best, second, comparisons, groups)


def board_of_records(
    records: Iterable[Record],
    columns: Sequence[str] = (),
    against: str | None = None,
    title: str = "Leaderboard",
    report: Report = silent,
    metrics: Sequence[str] = (),
) -> Board:
    """Make the board of all complete runs among ``records``.

    Args:
        records: the runs' records. A note names those that aren't complete and are left out.
        columns: the data sets to put side by side in one table; empty for a table for each data set version.
        against: the method whose gain over the best baseline is shown (default: aml, if it was run).
        title: the board's title.
        report: called with a line for each step.
        metrics: further metrics, such as ``micro_f1:without=neutral``, computed where a record lacks them.

    Raises:
        UnknownName: no complete run is of a data set in ``columns``, or of the method ``against``; no metric is called
            so, or it names a label that no run has.
    """
    runs, broken = read_runs(records, report)
    complete = with_metrics([run for run in runs if run.status == "complete"], metrics)
    unscored = [run.record.id for run in runs if run.status == "unscored"]
    label_sets = [run.record.id for run in runs if run.status == "label sets"]
    known = ("complete", "unscored", "label sets")
    unfinished = [f"{run.record.id} ({run.reason})" for run in runs if run.status not in known]
    left_out = (
        *([f"left out because not complete: {shortened(unfinished)}"] if unfinished else []),
        *([f"left out because they have {UNSCORED}: {shortened(unscored)}"] if unscored else []),
        *([f"left out because they have {LABEL_SETS}: {shortened(label_sets)}"] if label_sets else []),
    )
    sets, others = chosen(columns, complete) if columns else ((), ())
    groups = [sets] if columns else [(version,) for version in versions(complete)]
    method, tables = against or AGAINST, []
    for group, heading in zip(groups, _titles(groups), strict=True):
        rows, older = by_settings.rows(group, complete, method)
        tables.append(TableRows(heading, group, rows, False, method, older, report=report).table())
    return _checked(Board(title, tuple(tables), notes=(*broken, *left_out, *others)), against)


def board_of_selection(
    selection: Selection, records: Iterable[Record], against: str | None = None, report: Report = silent
) -> Board:
    """Make the board of a spec: its planned runs as found among ``records``, with notes on the missing ones.

    Raises:
        UnknownName: the spec has no row named ``against``.
    """
    runs, broken = read_runs(records, report)
    runs = with_metrics(runs, selection.metrics)
    datasets, rows = by_spec.rows(selection, runs)
    heading, notes = ", ".join(version.name for version in datasets), (*selection.notes, *mixed_trials(selection, runs))
    # A note can hold a path too: a grid's note lists the values that were tried.
    for planned in (*selection.runs, *selection.trials):
        notes = without_local_paths(notes, planned.settings)
    table = TableRows(heading, datasets, rows, selection.declared, against or AGAINST, notes, report=report).table()
    return _checked(Board(selection.title, (table,), notes=broken), against)


def _titles(groups: Sequence[Sequence[DatasetVersion]]) -> list[str]:
    """Return the headings of tables: names of data sets, with a short fingerprint where versions share a name."""
    names = Counter(version.name for group in groups for version in group)
    return [
        ", ".join(f"{v.name} (rows {v.fingerprint[:12]})" if names[v.name] > 1 else v.name for v in group)
        for group in groups
    ]


def _checked(board: Board, against: str | None) -> Board:
    """Return ``board``; raise UnknownName if ``against`` names no row of its tables."""
    if against and not any(ranking.methods(table.rows, against) for table in board.tables):
        known = {name for table in board.tables for row in table.rows for name in (row.name, row.objective)}
        raise UnknownName("row", against, known, where="of the table")
    return board
