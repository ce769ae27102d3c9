"""Make a board from run records, with or without a spec."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fecbench.core.errors import UnknownName
from fecbench.core.text import shortened
from fecbench.results.leaderboard.board import Board, Column, Table
from fecbench.results.leaderboard.extra_scores import is_cost, is_extra
from fecbench.results.leaderboard.further_metrics import with_metrics
from fecbench.results.leaderboard.rows import by_settings, by_spec
from fecbench.results.leaderboard.rows.best_trials import BestTrials, best_trials
from fecbench.results.leaderboard.rows.by_settings import chosen, versions
from fecbench.results.leaderboard.rows.by_spec import mixed_trials
from fecbench.results.leaderboard.rows.choices import folded_choices
from fecbench.results.leaderboard.rows.code_versions import mixed
from fecbench.results.leaderboard.rows.hide_paths import hide_paths
from fecbench.results.leaderboard.rows.label_set_notes import label_set_notes
from fecbench.results.leaderboard.rows.labellings import apart, labellings_of, rows_on
from fecbench.results.leaderboard.rows.notes import notes_of, short_notes_of
from fecbench.results.leaderboard.run import UNSHOWN, read_runs, silent
from fecbench.results.leaderboard.statistics import ranking
from fecbench.results.leaderboard.statistics.most_frequent import most_frequent
from fecbench.results.leaderboard.statistics.significance import Tests
from fecbench.results.shown_metrics import shown
from fecbench.runs.local_paths import without_local_paths

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from fecbench.bench.selection import Selection
    from fecbench.data.datasets.dataset import Labelling
    from fecbench.results.leaderboard.board import DatasetVersion, Row
    from fecbench.results.leaderboard.run import Report, Run
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
        short_notes: the same in few lines; None for equal ones.
        tested: True if rows are tested against the best; published scores can't be.
        labelling: ``single`` or ``multi``, of all data sets.
        named: metrics that were asked for.
        report: called with a line for each step.
    """

    title: str
    datasets: Sequence[DatasetVersion]
    rows: Sequence[Row]
    declared: bool
    against: str
    notes: tuple[str, ...] = ()
    short_notes: tuple[str, ...] | None = None
    tested: bool = True
    labelling: Labelling = "single"
    named: Sequence[str] = ()
    report: Report = silent

    def table(self) -> Table:
        """Return the table with ranks, gains, tests and notes."""
        wanted = [
            (dataset, metric)
            for dataset in range(len(self.datasets))
            for metric in ranking.metrics_of(self.rows, dataset, self.labelling, self.named)
        ]
        gains, gain_notes = ranking.gains(self.rows, wanted, self.declared, self.against)
        tests = Tests(self.rows, self.declared, self.report)
        columns = tuple(
            self._column(dataset, metric, tests, f"column {number} of {len(wanted)}")
            for number, (dataset, metric) in enumerate(wanted, 1)
        )
        rows = tuple(map(hide_paths, self.rows))  # after all comparisons: two folders can have the same last part
        code_notes = tuple(mixed(rows))
        notes = (*code_notes, *self.notes, *gain_notes, *self._notes(rows))
        given = self.notes if self.short_notes is None else self.short_notes
        given_gains = gain_notes if gains else ()  # without a Δ row its readers miss none
        short = (*code_notes, *given, *given_gains, *short_notes_of(rows, self.declared))
        of_table = tuple(self.datasets), columns, rows, gains, self.declared, notes
        return Table(self.title, *of_table, most_frequent(rows, wanted), self.labelling, short)

    def _notes(self, rows: Sequence[Row]) -> Iterator[str]:
        if self.labelling == "multi":
            yield from label_set_notes(rows, self.datasets, self.named)
        yield from notes_of(rows, self.datasets, self.declared)

    def _column(self, dataset: int, metric: str, tests: Tests, progress: str) -> Column:
        groups = ranking.groups(self.rows, self.declared, dataset)
        metric_shown = shown(metric)
        means = ranking.means(self.rows, dataset, metric)
        best, second = ranking.ranked(means, groups, metric_shown.lower)
        if is_extra(metric):  # no cost is best, nor is any method on a label that it never gets right
            best, second = (
                tuple(number for number in marked if means[number] > 0 and not is_cost(metric))
                for marked in (best, second)
            )
        comparisons = tests.column(dataset, metric, progress) if self.tested and not is_extra(metric) else ()
        ranks = best, second, comparisons, groups
        return Column(dataset, metric, metric_shown.label, *ranks, metric_shown.lower, metric_shown.unit)


def board_of_records(
    records: Iterable[Record],
    columns: Sequence[str] = (),
    against: str | None = None,
    title: str = "Leaderboard",
    report: Report = silent,
    metrics: Sequence[str] = (),
    best_trial: bool = False,
) -> Board:
    """Make the board of all complete runs among ``records``.

    Args:
        records: the runs' records. A note names those that aren't complete and are left out.
        columns: the data sets to put side by side in one table, or in one for each labelling; empty for a table for
            each data set version.
        against: the method whose gain over the best baseline is shown (default: aml, if it was run).
        title: the board's title.
        report: called with a line for each step.
        metrics: further metrics, such as ``micro_f1:without=neutral``, computed where a record lacks them,
            and extra figures (``extra_scores``).
        best_trial: show of each method, encoder and budget only the settings with the best validation scores.

    Raises:
        UnknownName: no complete run is of a data set in ``columns``, or of the method ``against``; no metric is called
            so, or it names a label that no run has.
    """
    runs, broken = read_runs(records, report)
    complete = with_metrics([run for run in runs if run.status == "complete"], metrics)
    sets, others = chosen(columns, complete) if columns else ((), ())
    kinds = apart(labellings_of(sets, complete))
    groups = [tuple(sets[n] for n in of) for of in kinds] if columns else [(one,) for one in versions(complete)]
    method, tables = against or AGAINST, []
    for group, heading in zip(groups, _titles(groups), strict=True):
        rows, older = by_settings.rows(group, complete, method)
        rows, choices, undecided = best_trials(rows, group) if best_trial else BestTrials(rows)
        older = (*older, *undecided)
        short = (*older, *(("validation chose the settings of each method",) if choices else ()))
        kind = labellings_of(group, complete)[0]
        table = TableRows(heading, group, rows, False, method, (*older, *choices), short, report=report)
        tables.append(replace(table, labelling=kind, named=metrics).table())
    return _checked(Board(title, tuple(tables), notes=(*broken, *_left_out(runs), *others)), against)


def _left_out(runs: Sequence[Run]) -> Iterator[str]:
    """Yield notes on the runs that no table shows."""
    unfinished = [f"{run.record.id} ({run.reason})" for run in runs if run.status not in ("complete", *UNSHOWN)]
    if unfinished:
        yield f"left out because not complete: {shortened(unfinished)}"
    for status, reason in UNSHOWN.items():
        names = [run.record.id for run in runs if run.status == status]
        if names:
            yield f"left out because they have {reason}: {shortened(names)}"


def board_of_selection(
    selection: Selection, records: Iterable[Record], against: str | None = None, report: Report = silent
) -> Board:
    """Make the board of a spec: its planned runs as found among ``records``, with notes on the missing ones.

    It has one table, or one for each labelling of its data sets.

    Raises:
        UnknownName: the spec has no row named ``against``.
    """
    runs, broken = read_runs(records, report)
    runs = with_metrics(runs, selection.metrics)
    datasets, rows = by_spec.rows(selection, runs)
    own = [note for note in selection.notes if note not in selection.choices]
    unequal = tuple(mixed_trials(selection, runs))
    notes = _without_paths((*selection.notes, *unequal), selection)
    short = _without_paths((*own, *folded_choices(selection), *unequal), selection)
    labellings, method, tables = labellings_of(datasets, runs), against or AGAINST, []
    kinds = apart(labellings)
    for numbers in kinds:
        versions_here = [datasets[number] for number in numbers]
        heading, rows_here = ", ".join(version.name for version in versions_here), rows
        if len(kinds) > 1:
            rows_here = tuple(rows_on(rows, numbers))
        table = TableRows(heading, versions_here, rows_here, selection.declared, method, notes, short, report=report)
        tables.append(replace(table, labelling=labellings[numbers[0]], named=selection.metrics).table())
    return _checked(Board(selection.title, tuple(tables), notes=broken), against)


def _without_paths(notes: tuple[str, ...], selection: Selection) -> tuple[str, ...]:
    """Return notes without local paths: a grid's note lists the values that were tried, which can be paths."""
    for planned in (*selection.runs, *selection.trials):
        notes = without_local_paths(notes, planned.settings)
    return notes


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
