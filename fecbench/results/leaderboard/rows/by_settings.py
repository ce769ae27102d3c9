"""Rows from records alone: runs of one method that differ in nothing but their seed."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fecbench.core.errors import UnknownName
from fecbench.results.leaderboard.board import CONDITIONS, Cell, DatasetVersion, Missing, Row, Score
from fecbench.results.leaderboard.rows.encoders import with_encoder_names
from fecbench.runs.identity import VARIES_IN_A_CELL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fecbench.results.leaderboard.run import Run

    Kind = tuple[str, tuple[Any, ...]]  # a method under an encoder and a budget
    Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Key:
    """What makes a row: method, encoder and budget, and what else tells its runs from others of that kind."""

    objective: str
    conditions: tuple[Any, ...]
    different: tuple[tuple[str, Any], ...]

    @property
    def name(self) -> str:
        """The row's name: the method, and what is different.

        >>> Key("aml", (), (("k_pos", 5),)).name
        'aml (k_pos 5)'
        """
        return (
            f"{self.objective} ({', '.join(f'{name} {value}' for name, value in self.different)})"
            if self.different
            else self.objective
        )

    def order(self, against: str) -> tuple[Any, ...]:
        """Rows stand by encoder and budget, then by name, the method of interest last."""
        plain = tuple(
            (value is None, str(value).rjust(9) if isinstance(value, int) else str(value)) for value in self.conditions
        )
        return plain, against in (self.objective, self.name), self.name


def versions(runs: Iterable[Run]) -> tuple[DatasetVersion, ...]:
    """Every version of every data set that was run, by name; of one name the one that was run last comes first."""
    found: dict[str, DatasetVersion] = {}
    for run in _newest_first(runs):
        found.setdefault(run.fingerprint, DatasetVersion(run.dataset, run.title, run.fingerprint))
    return tuple(sorted(found.values(), key=lambda version: version.name))


def chosen(names: Sequence[str], runs: Sequence[Run]) -> tuple[tuple[DatasetVersion, ...], tuple[str, ...]]:
    """The versions that stand side by side under ``names``, the one that was run last of each, and notes on others.

    Raises:
        UnknownName: no complete run is of a data set of that name.
    """
    known = versions(runs)
    picked, notes = [], []
    for name in names:
        same = [version for version in known if version.name == name]
        if not same:
            raise UnknownName("data set (of a complete run)", name, {version.name for version in known})
        picked.append(same[0])
        if len(same) > 1:
            notes.append(f"left out: runs on {len(same) - 1} other version(s) of {name} than the one that was run last")
    return tuple(picked), tuple(notes)


def rows(
    columns: Sequence[DatasetVersion], runs: Iterable[Run], against: str
) -> tuple[tuple[Row, ...], tuple[str, ...]]:
    """The rows of a table over ``columns``, and a note where older runs of the same settings and seed were left out."""
    of_columns = [run for run in _newest_first(runs) if run.fingerprint in {version.fingerprint for version in columns}]
    members = list(with_encoder_names(of_columns).values())
    different, weights = _different(members), _weights(members)
    groups: dict[Key, dict[str, list[Run]]] = defaultdict(lambda: defaultdict(list))
    for run in members:
        groups[_key(run, different[_kind(run)], len(weights[run.objective]) > 1)][run.fingerprint].append(run)
    cells = {key: tuple(_cell(groups[key].get(version.fingerprint, [])) for version in columns) for key in groups}
    found = tuple(Row(key.name, key.objective, cells[key]) for key in sorted(cells, key=lambda key: key.order(against)))
    older = len(members) - sum(len(cell.runs) for row in found for cell in row.cells)
    return found, ((f"left out: {older} older run(s) of the same settings and seed",) if older else ())


def settled(runs: Sequence[Run]) -> Settings:
    """What the runs of a cell have in common; a limit that left no training row out is none."""
    return (
        {
            key: value
            for key, value in {**runs[0].settings, "limit": runs[0].limit}.items()
            if key not in VARIES_IN_A_CELL
        }
        if runs
        else {}
    )


def scores(runs: Sequence[Run]) -> dict[str, Score]:
    """Scores by metric of runs under different seeds; a seed whose record lacks a metric doesn't count for it."""
    found: dict[str, dict[int, float]] = defaultdict(dict)
    for run in runs:
        for metric, score in run.scores.items():
            found[metric][run.seed] = score
    return {metric: Score.of(seeds) for metric, seeds in found.items()}


def _newest_first(runs: Iterable[Run]) -> list[Run]:
    return sorted(runs, key=lambda run: run.started, reverse=True)


def _kind(run: Run) -> Kind:
    return run.objective, tuple(map(run.condition, CONDITIONS))


def _key(run: Run, different: Iterable[str], weights: bool) -> Key:
    """The key of a run's row; ``weights`` says whether they tell the method's rows apart."""
    apart = [("weights", run.weights_shown)] if weights and run.weights_shown else []
    return Key(*_kind(run), (*((name, run.settings.get(name)) for name in different), *apart))


def _weights(runs: Iterable[Run]) -> dict[str, set[str]]:
    """By method, what tells the weights of encoders of one name apart."""
    found: dict[str, set[str]] = defaultdict(set)
    for run in runs:
        found[run.objective].add(run.weights_shown)
    return found


def _different(runs: Iterable[Run]) -> dict[Kind, list[str]]:
    """For each kind of run the settings that aren't the same in all its runs on some one data set; presets by data set don't count."""
    groups: dict[tuple[Kind, str], list[Run]] = defaultdict(list)
    for run in runs:
        groups[_kind(run), run.fingerprint].append(run)
    found: dict[Kind, set[str]] = defaultdict(set)
    for (kind, _), group in groups.items():
        values = Counter(
            (name, value)
            for run in group
            for name, value in run.settings.items()
            if name not in (*VARIES_IN_A_CELL, *CONDITIONS)
        )
        found[kind] |= {name for (name, _), count in values.items() if count < len(group)}
    return {kind: sorted(names) for kind, names in found.items()}


def _cell(runs: Sequence[Run]) -> Cell:
    newest: dict[int, Run] = {}
    for run in runs:
        newest.setdefault(run.seed, run)
    kept = tuple(newest[seed] for seed in sorted(newest))
    return Cell(scores(kept), settled(kept), kept, () if kept else (Missing(None, "not run"),))
