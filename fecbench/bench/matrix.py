"""Expand a spec into the matrix of its planned runs, and choose settings by validation scores."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, Any

from fecbench.bench.choice_notes import choice_note
from fecbench.bench.matrix_entry import MatrixEntry
from fecbench.bench.planned_run import PlannedRun
from fecbench.bench.row_search import RowSearch
from fecbench.bench.selection import Selection
from fecbench.bench.spec_checks import check_spec
from fecbench.bench.spec_rows import place_of, refused, rows_of
from fecbench.bench.trial_sampler import TrialSampler
from fecbench.bench.validation_score import validation_score
from fecbench.core.errors import UsageError
from fecbench.runs.plan import plan
from fecbench.runs.schema import RecordedTrial

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from fecbench.bench.comparable_records import Records
    from fecbench.bench.spec import Spec, SpecRow
    from fecbench.bench.trial_records import TrialRecords


@dataclass(frozen=True)
class Matrix:
    """A spec expanded into its runs.

    Attributes:
        spec: the spec.
        entries: the rows (outer) on each data set (inner).
        left_out: the reasons why ``"*"`` leaves methods out, by method, or by ``method on data set``.
    """

    spec: Spec
    entries: tuple[MatrixEntry, ...]
    left_out: Mapping[str, str]

    def groups(self) -> list[list[MatrixEntry]]:
        """Return the entries of each group in the order of execution; within a group, data set by data set."""
        in_order = sorted(self.entries, key=lambda entry: (entry.group, self.spec.datasets.index(entry.dataset)))
        return [list(entries) for _, entries in groupby(in_order, key=lambda entry: entry.group)]

    def grown(self, score: Callable[[PlannedRun], float | None], records: TrialRecords | None = None) -> Matrix:
        """Return the matrix with all candidates of its searches."""
        return replace(self, entries=tuple(entry.grown(score, records) for entry in self.entries))

    def select(self, score: Callable[[PlannedRun], float | None]) -> Selection:
        """Return the runs behind the table, with the candidates that ``score`` ranks first."""
        runs = tuple(planned for entry in self.entries for planned in entry.final(score))
        tuned = [entry for entry in self.entries if entry.trials > 1]
        trials = tuple(planned for entry in tuned for planned in entry.first())
        tried = tuple(choice_note(entry, score) for entry in tuned)
        rows = tuple(dict.fromkeys(entry.row for entry in self.entries))
        reasons: dict[str, list[str]] = {}  # methods often share a reason, such as a missing package
        for name, reason in self.left_out.items():
            reasons.setdefault(reason, []).append(name)
        out = tuple(f"left out: {', '.join(names)} ({reason})" for reason, names in reasons.items())
        return Selection(
            self.spec.title,
            tuple(self.spec.datasets),
            runs,
            (*self.spec.notes, *tried, *out),
            bool(self.spec.row),
            trials,
            rows,
            tuple(self.spec.metrics),
            tried,
        )


def expand(spec: Spec) -> Matrix:
    """Plan all runs that ``spec`` may need, so that wrong settings are found before any run starts.

    Raises:
        UsageError: a setting or metric is unknown or invalid (the message names row and data set), a section
            names no row, the methods have different numbers of trials, or there are too many runs.
        PluginError: the plugin of a method that the spec names is broken.
        FecbenchError: the spec has a search, and Optuna isn't installed.
    """
    rows, left_out = rows_of(spec)
    check_spec(spec, rows, left_out)
    unfit = refused(spec, rows)
    places = [(row, dataset, seeds) for row in rows for dataset, seeds in spec.seeds_of(row).items()]
    entries = tuple(_entry(spec, *place) for place in places if place_of(*place[:2]) not in unfit)
    return Matrix(spec, entries, {**left_out, **unfit})


def select(spec: Spec, found: Records) -> Selection:
    """Return the runs behind the table of ``spec``, chosen by the validation scores of ``found``.

    Raises:
        UsageError: the spec isn't valid.
        FecbenchError: the spec has a search, and Optuna isn't installed.
    """

    def score(planned: PlannedRun) -> float | None:
        return validation_score(found.of(planned))

    return expand(spec).grown(score, found.trials).select(score)


def _entry(spec: Spec, row: SpecRow, dataset: str, seeds: Sequence[int]) -> MatrixEntry:
    planned = _planner(spec, row, dataset, seeds)
    search = _search(spec, row, planned)
    if search is None:
        candidates = tuple(spec.grid.candidates(row.name))
        return MatrixEntry(row.name, dataset, candidates, tuple(map(planned, candidates)), row.group)
    return MatrixEntry.of_search(row.name, dataset, row.group, search)


def _planner(
    spec: Spec, row: SpecRow, dataset: str, seeds: Sequence[int]
) -> Callable[[Mapping[str, Any]], tuple[PlannedRun, ...]]:
    """Return the function that plans the runs of a row's candidate, by seed and fold."""
    number = spec.folds_of(dataset)
    folds = (None,) if number is None else tuple(range(number))

    def planned(tried: Mapping[str, Any]) -> tuple[PlannedRun, ...]:
        try:
            return tuple(_planned_run(spec, row, dataset, seed, fold, tried) for seed in seeds for fold in folds)
        except UsageError as error:
            raise UsageError(f"row {row.name} on {dataset}: {error}") from None

    return planned


def _search(
    spec: Spec, row: SpecRow, planned: Callable[[Mapping[str, Any]], tuple[PlannedRun, ...]]
) -> RowSearch | None:
    """Return the search of a row on a data set; None without ``[search]``."""
    if spec.search is None:
        return None
    digest = spec.search.digest(row.name)

    @cache  # a progress display asks for the runs every second
    def remembered(tried: tuple[tuple[str, Any], ...], number: int) -> tuple[PlannedRun, ...]:
        first, *others = planned(dict(tried))
        return (replace(first, trial=RecordedTrial(search=digest, number=number)), *others)

    def numbered(tried: Mapping[str, Any], number: int) -> tuple[PlannedRun, ...]:
        return remembered(tuple(tried.items()), number)

    sampler = TrialSampler(spec.search, spec.search.space(row.name))
    examples = tuple(planned(settings)[0] for settings in spec.search.examples(row.name))
    return RowSearch(sampler, numbered, digest, examples)


def _planned_run(
    spec: Spec, row: SpecRow, dataset: str, seed: int, fold: int | None, tried: Mapping[str, Any]
) -> PlannedRun:
    of_matrix = {"dataset": dataset, "seed": seed, **({} if fold is None else {"fold": fold})}
    return PlannedRun(row.name, plan(row.objective, of_matrix, {**spec.of(row, dataset), **tried}))
