"""Expand a spec into its planned runs, find their records, and choose settings by validation scores."""

from __future__ import annotations

import re
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, Any

from fecbench.bench.spec import SpecRow
from fecbench.bench.trial_sampler import Trial, TrialSampler
from fecbench.core import registry
from fecbench.core.errors import PluginError, RunError, UnknownName, UsageError
from fecbench.core.options import argument
from fecbench.core.plugin_errors import plugin_errors
from fecbench.data.datasets.dataset import DatasetInfo
from fecbench.objective.check import get_objective
from fecbench.runs.defaults import dataset_info
from fecbench.runs.find import is_readable, newest_first
from fecbench.runs.identity import run_key, same_settings
from fecbench.runs.local_paths import last_name, name_of
from fecbench.runs.plan import FLAG, labelling_refusal, plan
from fecbench.runs.schema import RecordedTrial
from fecbench.training.metrics import check_metric_name
from fecbench.training.scoring import selection_score

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from fecbench.bench.spec import Spec
    from fecbench.runs.plan import Plan
    from fecbench.runs.record import Record


MOST = 20_000  # runs of a spec
LONGEST = 80  # characters of objective and data set in a directory's name: file systems limit the length of names


@dataclass(frozen=True)
class PlannedRun:
    """One run of a matrix: a row of the table on one data set with one seed, and on one fold of a cross-validation.

    Attributes:
        row: the row's name.
        plan: the run's objective and settings.
        trial: the trial of a search that the run is; None for any other run.
    """

    row: str
    plan: Plan
    trial: RecordedTrial | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """Every resolved setting's value, as in a record's ``settings()``."""
        return {key: setting.value for key, setting in self.plan.origins.items()}

    @property
    def rows(self) -> tuple[str, int]:
        """The data set and the number of the fold: runs that share both share their rows."""
        return self.plan.settings.dataset, self.plan.settings.fold

    def is_of(self, name: str, settings: Mapping[str, Any]) -> bool:
        """Return True if a record of objective ``name`` with ``settings`` is this run, on any device.

        Settings that didn't exist yet when the record was written count as their defaults.
        """
        return name == self.plan.name and same_settings(self.plan.origins, settings)

    @property
    def asked(self) -> dict[str, Any]:
        """The settings that the spec gives, without data set and seed."""
        return {key: setting.value for key, setting in self.plan.origins.items() if setting.origin == "spec"}

    @property
    def flags(self) -> list[str]:
        """The settings that flags give, without data set and seed, as arguments of the command line."""
        given = {key: setting.value for key, setting in self.plan.origins.items() if setting.origin == FLAG}
        return [argument(key, value) for key, value in given.items() if key not in ("dataset", "seed")]

    def key(self, fingerprint: str, code: str) -> str:
        """Return the digest of objective, settings, data rows and code version; equal for equal runs."""
        return run_key(self.plan.name, self.settings, fingerprint, code)

    def name(self, key: str) -> str:
        """Return the name of the run directory. Rows that plan the same run share the directory."""
        # Objective, data set and seed are for the reader; the key alone makes the name unique.
        what = re.sub(r"[^\w.-]+", "-", f"{self.plan.name}-{last_name(self.plan.settings.dataset)}")[:LONGEST].strip(
            "-."
        )
        settings = self.plan.settings
        fold = "" if settings.folds is None else f"-f{settings.fold}"
        return f"{what}-s{settings.seed}{fold}-{key[:10]}"


@dataclass(frozen=True)
class RowSearch:
    """The search for a row's settings on one data set.

    Attributes:
        sampler: proposes the settings of each trial.
        planned: plans the runs of a candidate with the number of its trial, by seed and fold.
        digest: identifies the search in the records of its trials.
        examples: runs with each choice and each end of the searched ranges; they are checked, not carried out.
    """

    sampler: TrialSampler
    planned: Callable[[Mapping[str, Any], int], tuple[PlannedRun, ...]]
    digest: str
    examples: tuple[PlannedRun, ...]

    def first(self) -> tuple[Mapping[str, Any], ...]:
        """Return the candidates that can be tried at once."""
        return tuple(self.sampler.first())

    def recorded(self, number: int, records: Records) -> Mapping[str, Any] | None:
        """Return the settings of the trial ``number`` in its newest record; None if there is none."""
        for objective, settings in records.trials(self.digest, number):
            space = self.sampler.space
            candidate = {name: distribution.recorded(name, settings.get(name)) for name, distribution in space.items()}
            if None in candidate.values():
                continue
            # `is_of`, because rows and data sets of a spec can share their distributions
            with suppress(UsageError):  # anybody can have written the record
                if self.planned(candidate, number)[0].is_of(objective, settings):
                    return candidate
        return None


@dataclass(frozen=True)
class MatrixEntry:
    """A row of the table on one data set, for all candidates of its grid or search, all seeds and all folds.

    Attributes:
        row: the row's name.
        dataset: the data set's name.
        candidates: the settings to try, of a search those that are known so far; one empty candidate if none are tried.
        runs: the planned runs, by candidate (outer), seed and fold (inner).
        group: the number of the row's group; groups with lower numbers run first.
        search: the search that proposes further candidates; None without one.
    """

    row: str
    dataset: str
    candidates: tuple[Mapping[str, Any], ...]
    runs: tuple[tuple[PlannedRun, ...], ...]
    group: int = 1
    search: RowSearch | None = None

    @property
    def trials(self) -> int:
        """The number of candidates to try, with those that a search doesn't know yet."""
        return self.search.sampler.search.trials if self.search else len(self.runs)

    @property
    def examples(self) -> tuple[PlannedRun, ...]:
        """A run of each candidate, and of a search those at the ends of its ranges."""
        return (*(seeds[0] for seeds in self.runs), *(self.search.examples if self.search else ()))

    def rounds(
        self, score: Callable[[PlannedRun], float | None], records: Records | None = None
    ) -> Iterator[MatrixEntry]:
        """Yield the entry with its first candidates, then with one more after each round of a search.

        ``score`` is asked for the trials of a round when the next round is requested. A trial without a score counts as
        failed: it is not tried again, and the search learns nothing from it. The trials that ``records`` hold are taken
        from there, since another version of Optuna can propose others.
        """
        entry: MatrixEntry = self
        trials: tuple[Trial, ...] = ()
        yield entry
        while self.search and len(entry.runs) < entry.trials:
            ended = zip(entry.candidates[len(trials) :], entry.runs[len(trials) :], strict=True)
            trials += tuple(Trial(tuple(settings.values()), score(seeds[0])) for settings, seeds in ended)
            recorded = self.search.recorded(len(trials), records) if records else None
            settings = self.search.sampler.following(trials) if recorded is None else recorded
            planned = self.search.planned(settings, len(trials))
            entry = replace(entry, candidates=(*entry.candidates, settings), runs=(*entry.runs, planned))
            yield entry

    def grown(self, score: Callable[[PlannedRun], float | None], records: Records | None = None) -> MatrixEntry:
        """Return the entry with all candidates of its search."""
        *_, entry = self.rounds(score, records)
        return entry

    def first(self) -> tuple[PlannedRun, ...]:
        """Return the runs that can start at once: all, or each candidate with the first seed and fold."""
        return self.runs[0] if self.trials == 1 else tuple(seeds[0] for seeds in self.runs)

    def chosen(self, score: Callable[[PlannedRun], float | None]) -> int | None:
        """Return the number of the candidate with the best score on the first seed and fold; on ties the first one.

        ``score`` returns None for a run that isn't complete. None if no candidate has a score.
        """
        if self.trials == 1:
            return 0
        scores = {number: score(seeds[0]) for number, seeds in enumerate(self.runs)}
        found = {number: value for number, value in scores.items() if value is not None}
        return max(found, key=lambda number: (found[number], -number), default=None)

    def final(self, score: Callable[[PlannedRun], float | None]) -> tuple[PlannedRun, ...]:
        """Return the runs of the table: all seeds and folds of the chosen candidate. Empty until one is chosen."""
        chosen = self.chosen(score)
        return () if chosen is None else self.runs[chosen]


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

    def grown(self, score: Callable[[PlannedRun], float | None], records: Records | None = None) -> Matrix:
        """Return the matrix with all candidates of its searches."""
        return replace(self, entries=tuple(entry.grown(score, records) for entry in self.entries))

    def select(self, score: Callable[[PlannedRun], float | None]) -> Selection:
        """Return the runs behind the table, with the candidates that ``score`` ranks first."""
        runs = tuple(planned for entry in self.entries for planned in entry.final(score))
        tuned = [entry for entry in self.entries if entry.trials > 1]
        trials = tuple(planned for entry in tuned for planned in entry.first())
        tried = tuple(_choice(entry, score) for entry in tuned)
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


def expand(spec: Spec) -> Matrix:
    """Plan all runs that ``spec`` may need, so that wrong settings are found before any run starts.

    Raises:
        UsageError: a setting or metric is unknown or invalid (the message names row and data set), a section
            names no row, the methods have different numbers of trials, or there are too many runs.
        PluginError: the plugin of a method that the spec names is broken.
    """
    rows, left_out = _rows(spec)
    names = [row.name for row in rows]
    for section, given in {
        "objective": spec.objective,
        "pair": spec.pair,
        "grid.objective": spec.grid.objective,
        "search.objective": spec.search.objective if spec.search else {},
    }.items():
        for name in given:
            if name not in (*names, *left_out):
                raise UsageError(
                    f"[{section}.{name}]: {UnknownName('method or row', name, names, where='of the spec')}"
                )
    for metric in spec.metrics:
        check_metric_name(metric)
    _check_trials(spec, names)
    _check_search(spec, names)
    _check_size(spec, rows)
    refused = _refused(spec, rows)
    places = [(row, dataset, seeds) for row in rows for dataset, seeds in spec.seeds_of(row).items()]
    entries = tuple(_entry(spec, *place) for place in places if _place(*place[:2]) not in refused)
    return Matrix(spec, entries, {**left_out, **refused})


def _check_trials(spec: Spec, names: Iterable[str]) -> None:
    """Raise UsageError if methods differ in their number of trials, or one has none."""
    trials = {name: spec.trials(name) for name in names}
    if len({*trials.values()}) > 1 or 0 in trials.values():
        counts = ", ".join(f"{name} has {number}" for name, number in trials.items())
        raise UsageError(
            f"[grid]: every method must have the same number of trials, and one at least, but {counts}; "
            "give each the same number of values"
        )


def _check_search(spec: Spec, names: Iterable[str]) -> None:
    """Raise UsageError if a row has nothing to search, or fewer different trials than it is given."""
    search = spec.search
    if search is None:
        return
    for name in names:
        size = search.size(name)
        if not search.space(name):
            raise UsageError(f"[search]: every row must have a setting to search, but {name} has none; give it one")
        if size < search.trials:
            raise UsageError(
                f"[search]: {name} must have at least {search.trials} different trials, but has {size:.0f}; lower "
                "trials, or use [grid], which tries each once"
            )


def _check_size(spec: Spec, rows: Iterable[SpecRow]) -> None:
    """Raise UsageError for more than ``MOST`` runs, before they are planned: grids multiply fast."""
    count = sum(
        spec.trials(row.name) * len(seeds) * (spec.folds_of(dataset) or 1)
        for row in rows
        for dataset, seeds in spec.seeds_of(row).items()
    )
    if count > MOST:
        raise UsageError(
            f"a spec may have at most {MOST:,} runs, but its rows, data sets, seeds, folds and trials "
            f"multiply to {count:,}; leave out some of them"
        )


def select(spec: Spec, found: Records) -> Selection:
    """Return the runs behind the table of the spec at ``path``, chosen by the validation scores of ``found``.

    Raises:
        UsageError: the spec isn't valid.
    """

    def score(planned: PlannedRun) -> float | None:
        return validation_score(found.of(planned))

    return expand(spec).grown(score, found).select(score)


class Records:
    """The complete records among the given ones, without those on older rows of a data set.

    The rows of a data set's newest run count; runs on other rows can't be compared with it.
    """

    def __init__(self, records: Iterable[Record]):
        readable = filter(is_readable, newest_first(records))
        complete = [record for record in readable if record.status == "complete"]
        newest: dict[tuple[str, int | None], str] = {}
        for record in complete:
            newest.setdefault(_rows_of(record), record.run_file.dataset.version)
        self._found = [
            (record, record.run_file.objective.name, record.settings())
            for record in complete
            if record.run_file.dataset.version == newest[_rows_of(record)]
        ]
        self._trials: dict[tuple[str, int], list[tuple[str, dict[str, Any]]]] = defaultdict(list)
        for record, name, settings in self._found:
            trial = record.run_file.trial
            if trial:
                self._trials[trial.search, trial.number].append((name, settings))

    def of(self, planned: PlannedRun) -> Record | None:
        """Return the newest record with a run's objective and settings, of any code version; None if there is none."""
        # By settings, not by code: the board of committed records must outlive edits of the code (ADR 13).
        return next((record for record, name, settings in self._found if planned.is_of(name, settings)), None)

    def trials(self, search: str, number: int) -> Sequence[tuple[str, Mapping[str, Any]]]:
        """Return objective and settings of the records of a search's trial, the newest first."""
        return self._trials.get((search, number), [])


def _rows_of(record: Record) -> tuple[str, int | None]:
    """Return the data set of a run and its number of folds: another cut isn't another version of the rows."""
    return record.run_file.dataset.name, record.settings()["folds"]


def validation_score(record: Record | None) -> float | None:
    """Return the validation score of the best epoch, by which a grid and early stopping choose.

    It is accuracy + weighted F1, or for several labels a text mean average precision + LRAP.

    Scores after a stage that follows training don't count, since the stage may be fitted to the validation rows.
    They do count where nothing is trained, and in older records, which hold no others. None if the record isn't
    complete or is broken.
    """
    if record is None or record.status != "complete":
        return None
    try:
        before = record.result_file.validation_score
        scores = record.result_file.metrics.of("validation")
        return selection_score(scores, record.run_file.dataset.labelling) if before is None else before
    except (RunError, KeyError):  # a broken record has no vote
        return None


def _rows(spec: Spec) -> tuple[list[SpecRow], dict[str, str]]:
    """Return the rows of the table, and the reason for each method that ``"*"`` leaves out."""
    if spec.row:
        return spec.row, {}
    if spec.objectives != "*":
        return [SpecRow(name=name, objective=name) for name in spec.objectives], {}
    reasons = {name: _reason_to_leave_out(name) for name in registry.objectives}
    rows = [SpecRow(name=name, objective=name) for name, reason in reasons.items() if not reason]
    return rows, {name: reason for name, reason in reasons.items() if reason}


def _reason_to_leave_out(name: str) -> str:
    try:
        kind = get_objective(name)
        with plugin_errors(f"objective {name}", kind):
            return f"a variant of {kind.variant_of}" if kind.variant_of else str(kind.unmet())
    except PluginError as error:
        return str(error)


def _refused(spec: Spec, rows: Iterable[SpecRow]) -> dict[str, str]:
    """Return the reasons why ``"*"`` leaves methods out on registered data sets, whose labels they don't take.

    Of one's own data, the labels are known only once it is loaded.
    """
    if spec.objectives != "*":
        return {}
    infos = {dataset: info for dataset in spec.datasets if isinstance(info := dataset_info(dataset), DatasetInfo)}
    reasons = {
        _place(row, dataset): labelling_refusal(get_objective(row.objective), info)
        for row in rows
        for dataset, info in infos.items()
    }
    return {place: f"it {reason}" for place, reason in reasons.items() if reason}


def _place(row: SpecRow, dataset: str) -> str:
    return f"{row.name} on {dataset}"


def _entry(spec: Spec, row: SpecRow, dataset: str, seeds: Sequence[int]) -> MatrixEntry:
    planned = _planner(spec, row, dataset, seeds)
    search = _search(spec, row, planned)
    if search is None:
        candidates = tuple(spec.grid.candidates(row.name))
        return MatrixEntry(row.name, dataset, candidates, tuple(map(planned, candidates)), row.group)
    first = search.first()
    runs = tuple(search.planned(candidate, number) for number, candidate in enumerate(first))
    return MatrixEntry(row.name, dataset, first, runs, row.group, search)


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


def _choice(entry: MatrixEntry, score: Callable[[PlannedRun], float | None]) -> str:
    """Return a note on a grid or search: its candidates, the chosen one and the state of its trials."""
    complete = sum(score(seeds[0]) is not None for seeds in entry.runs)
    chosen = entry.chosen(score)
    tried = _tried(entry)
    folds = entry.runs[0][0].plan.settings.folds
    trials = f"first seed{'' if folds is None else ' and fold'}; {complete} of {entry.trials} trials complete"
    where = f"{entry.row} on {name_of('dataset', entry.dataset)}"
    if chosen is None:
        return f"{where}: validation has not chosen yet among {tried} ({trials})"
    return f"{where}: validation chose {_words(entry.candidates[chosen])} among {tried} ({trials})"


def _tried(entry: MatrixEntry) -> str:
    """Return the candidates of a grid, or the distributions of a search, in words."""
    if entry.search is None:
        return " | ".join(_words(candidate) for candidate in entry.candidates)
    sampler = entry.search.sampler
    how = {"tpe": "proposed by TPE", "random": "drawn at random"}[sampler.search.sampler]
    space = {name: distribution.words(name) for name, distribution in sampler.space.items()}
    return f"{entry.trials} trials {how} from {_words(space)}"


def _words(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in settings.items())
