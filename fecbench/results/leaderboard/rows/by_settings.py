"""Make rows without a spec: the runs of a method that differ only in seed and fold share a row."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from fecbench.core.errors import UnknownName
from fecbench.results.leaderboard.board import CONDITIONS, Cell, DatasetVersion, Missing, Row, Score
from fecbench.results.leaderboard.rows.encoders import with_encoder_names
from fecbench.results.leaderboard.run import newest_first
from fecbench.results.newer_options import with_newer_options
from fecbench.runs.identity import ROW_SETTINGS, VARIES_IN_A_CELL, order_of, repetition
from fecbench.runs.local_paths import name_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from fecbench.results.leaderboard.run import Run

    Kind = tuple[str, tuple[Any, ...]]  # a method under an encoder and a budget
    Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Key:
    """The key of a row.

    Attributes:
        objective: the method's name.
        conditions: encoder, budget and batch size.
        different: the other settings, with values, in which rows of the same method and conditions differ.
    """

    objective: str
    conditions: tuple[Any, ...]
    different: tuple[tuple[str, Any], ...]

    @property
    def name(self) -> str:
        """The row's name: the method, and the settings in which rows differ, of paths the last part.

        >>> Key("aml", (), (("k_pos", 5),)).name
        'aml (k_pos 5)'
        >>> Key("llm-prompt", (), (("model", "/home/me/small"),)).name
        'llm-prompt (model small)'
        """
        if not self.different:
            return self.objective
        apart = ", ".join(f"{name} {name_of(name, value)}" for name, value in self.different)
        return f"{self.objective} ({apart})"

    def order(self, against: str) -> tuple[Any, ...]:
        """Return the sort key: by conditions, then by name, but the method ``against`` after the others."""
        is_of_interest = against in (self.objective, self.name)
        return tuple(map(_sortable, self.conditions)), is_of_interest, self.name


def _sortable(value: Any) -> tuple[int, float, str]:
    """Return a sort key for values of any type: numbers by size, then texts, None after all others.

    >>> sorted([None, "ce", 12, 3, -1, -20, 0.5], key=_sortable)
    [-20, -1, 0.5, 3, 12, 'ce', None]
    """
    if value is None:
        return 2, 0.0, ""
    if isinstance(value, int | float):
        return 0, value, ""
    return 1, 0.0, str(value)


def versions(runs: Iterable[Run]) -> tuple[DatasetVersion, ...]:
    """Return every version of every data set that was run, ordered by name, the version that was run last first."""
    found: dict[str, DatasetVersion] = {}
    for run in newest_first(runs):
        found.setdefault(run.fingerprint, DatasetVersion(run.dataset, run.title, run.fingerprint))
    return tuple(sorted(found.values(), key=lambda version: version.name))


def chosen(names: Sequence[str], runs: Sequence[Run]) -> tuple[tuple[DatasetVersion, ...], tuple[str, ...]]:
    """Return the version of each named data set that was run last, and notes on other versions.

    Raises:
        UnknownName: no complete run is of a data set of that name.
    """
    known = versions(runs)
    picked, notes = [], []
    for name in names:
        same = [version for version in known if version.name == name]
        if not same:
            raise UnknownName("data set", name, {version.name for version in known}, where="with a complete run")
        picked.append(same[0])
        if len(same) > 1:
            notes.append(f"left out: runs on other versions of {name} than the one that was run last")
    return tuple(picked), tuple(notes)


def rows(
    columns: Sequence[DatasetVersion], runs: Iterable[Run], against: str
) -> tuple[tuple[Row, ...], tuple[str, ...]]:
    """Return the rows of a table over ``columns``, and a note if older runs of the same settings were left out."""
    of_columns = [run for run in newest_first(runs) if run.fingerprint in {version.fingerprint for version in columns}]
    # First of all: the encoder's name is part of a row's key, and then tells other weights of the same name apart.
    members = _with_newer_options(with_encoder_names(of_columns).values())
    different, weights = _different(members), _weights(members)
    groups: dict[Key, dict[str, list[Run]]] = defaultdict(lambda: defaultdict(list))
    for run in members:
        groups[_key(run, different[_kind(run)], len(weights[run.objective]) > 1)][run.fingerprint].append(run)
    cells = {key: tuple(_cell(groups[key].get(version.fingerprint, [])) for version in columns) for key in groups}
    found = tuple(Row(key.name, key.objective, cells[key]) for key in sorted(cells, key=lambda key: key.order(against)))
    older = len(members) - sum(len(cell.runs) for row in found for cell in row.cells)
    if not older:
        return found, ()
    return found, (f"left out: {older} older run{'' if older == 1 else 's'} of the same settings and seed",)


def _with_newer_options(runs: Iterable[Run]) -> list[Run]:
    """Return the runs, method by method, each with the options that are newer than its record."""
    by_method: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        by_method[run.objective].append(run)
    return [
        replace(run, settings=settings)
        for method, own in by_method.items()
        for run, settings in zip(own, with_newer_options(method, [each.settings for each in own]), strict=True)
    ]


def settled(runs: Sequence[Run]) -> Settings:
    """Return the settings that the runs of a cell share. A limit that left no training row out is None."""
    if not runs:
        return {}
    settings = {**runs[0].settings, "limit": runs[0].limit}
    return {key: value for key, value in settings.items() if key not in VARIES_IN_A_CELL}


def scores(runs: Sequence[Run]) -> dict[str, Score]:
    """Return the scores by metric of runs with different seeds or folds; each metric over the runs that have it."""
    by_metric: dict[str, dict[int | str, float]] = defaultdict(dict)
    for run in runs:
        for metric, score in run.scores.items():
            by_metric[metric][run.repetition] = score
    return {metric: Score.of(seeds) for metric, seeds in by_metric.items()}


def _kind(run: Run) -> Kind:
    return run.objective, tuple(map(run.condition, CONDITIONS))


def _key(run: Run, different: Iterable[str], weights: bool) -> Key:
    """Return the key of a run's row; with ``weights``, encoder weights tell the method's rows apart."""
    apart = [("weights", run.weights_shown)] if weights and run.weights_shown else []
    return Key(*_kind(run), (*((name, run.settings.get(name)) for name in different), *apart))


def _weights(runs: Iterable[Run]) -> dict[str, set[str]]:
    """Return by method the texts that tell encoder weights under one name apart."""
    found: dict[str, set[str]] = defaultdict(set)
    for run in runs:
        found[run.objective].add(run.weights_shown)
    return found


def _different(runs: Iterable[Run]) -> dict[Kind, list[str]]:
    """Return for each kind of run the settings that differ between its runs on the same data set.

    Differences between data sets don't count, since methods have presets for data sets.
    """
    groups: dict[tuple[Kind, str], list[Run]] = defaultdict(list)
    for run in runs:
        groups[_kind(run), run.fingerprint].append(run)
    found: dict[Kind, set[str]] = defaultdict(set)
    for (kind, _), group in groups.items():
        values = Counter(
            (name, value)
            for run in group
            for name, value in run.settings.items()
            if name not in (*VARIES_IN_A_CELL, *ROW_SETTINGS, *CONDITIONS)
        )
        # A value that some run of the group lacks is a difference, also where that run lacks the setting itself.
        found[kind] |= {name for (name, _), count in values.items() if count < len(group)}
    return {kind: sorted(names) for kind, names in found.items()}


def _cell(runs: Sequence[Run]) -> Cell:
    newest: dict[int | str, Run] = {}
    for run in runs:  # the newest first
        newest.setdefault(run.repetition, run)
    kept = tuple(newest[name] for name in sorted(newest, key=order_of))
    missing = tuple(_missing_folds(kept)) if kept else (Missing(None, "not run"),)
    return Cell(scores(kept), settled(kept), kept, missing)


def _missing_folds(runs: Sequence[Run]) -> Iterator[Missing]:
    """Yield the folds of a cross-validation that lack a run, for each seed."""
    folds, there = runs[0].settings.get("folds"), {run.repetition for run in runs}
    for seed in dict.fromkeys(run.seed for run in runs):
        wanted = (repetition({"seed": seed, "folds": folds, "fold": fold}) for fold in range(folds or 0))
        yield from (Missing(name, "not run") for name in wanted if name not in there)
