"""From a spec to its runs: which cells there are, what validation chooses among them, and where their records are."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fecbench import objective, registry, runs, specs
from fecbench.errors import PluginError, UnknownName, UsageError
from fecbench.planning import plan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from fecbench.planning import Plan
    from fecbench.specs import Row, Spec


@dataclass(frozen=True)
class Cell:
    """One run of a matrix: a row of the table, on one data set, with one seed.

    Attributes:
        row: the row's name.
        plan: what is run.
    """

    row: str
    plan: Plan

    @property
    def settings(self) -> dict[str, Any]:
        """Every resolved setting's value, as a record's ``settings()`` gives them."""
        return {key: setting.value for key, setting in self.plan.origins.items()}

    @property
    def asked(self) -> dict[str, Any]:
        """The settings that the spec gives, without data set and seed."""
        return {key: setting.value for key, setting in self.plan.origins.items() if setting.origin == "spec"}

    def key(self, fingerprint: str, code: str) -> str:
        """What makes two runs the same: objective, settings, rows and code."""
        what = json.dumps([self.plan.name, self.settings, fingerprint, code], sort_keys=True)
        return hashlib.sha256(what.encode()).hexdigest()

    def name(self, key: str) -> str:
        """The name of its run directory."""
        stem = "-".join((self.row, self.plan.settings.dataset, f"s{self.plan.settings.seed}", key[:10]))
        return re.sub(r"[^\w.-]+", "-", stem).strip("-.")


@dataclass(frozen=True)
class Entry:
    """A row of the table on one data set, for all seeds.

    Attributes:
        row: the row's name.
        dataset: the data set.
        candidates: what the grid tries, as settings; one empty candidate where there is no grid.
        cells: a cell for each candidate (outer) and seed (inner).
    """

    row: str
    dataset: str
    candidates: tuple[Mapping[str, Any], ...]
    cells: tuple[tuple[Cell, ...], ...]

    def first(self) -> tuple[Cell, ...]:
        """What can run at once: all seeds where nothing is to be chosen, else each candidate on the first seed."""
        return self.cells[0] if len(self.cells) == 1 else tuple(seeds[0] for seeds in self.cells)

    def chosen(self, score: Callable[[Cell], float | None]) -> int | None:
        """The number of the candidate that ``score`` (of its run on the first seed; None where it didn't complete) puts first."""
        if len(self.cells) == 1:
            return 0
        scores = {number: score(seeds[0]) for number, seeds in enumerate(self.cells)}
        found = {number: value for number, value in scores.items() if value is not None}
        return max(found, key=lambda number: (found[number], -number), default=None)

    def final(self, score: Callable[[Cell], float | None]) -> tuple[Cell, ...]:
        """The runs of the table; none while nothing is chosen."""
        chosen = self.chosen(score)
        return () if chosen is None else self.cells[chosen]


@dataclass(frozen=True)
class Matrix:
    """A spec, expanded.

    Attributes:
        spec: the spec.
        entries: rows (outer) on data sets (inner).
        left_out: methods that ``"*"`` doesn't run, and why.
    """

    spec: Spec
    entries: tuple[Entry, ...]
    left_out: Mapping[str, str]

    def select(self, score: Callable[[Cell], float | None]) -> Selection:
        """The runs behind the table, chosen by ``score``."""
        cells = tuple(cell for entry in self.entries for cell in entry.final(score))
        gridded = [entry for entry in self.entries if len(entry.cells) > 1]
        trials = tuple(cell for entry in gridded for cell in entry.first())
        tried = tuple(_choice(entry, score) for entry in gridded)
        out = tuple(f"left out: {name} ({reason})" for name, reason in self.left_out.items())
        return Selection(self.spec.title, tuple(self.spec.datasets), cells, tried + out, bool(self.spec.row), trials)


@dataclass(frozen=True)
class Selection:
    """The runs behind a spec's table.

    Attributes:
        title: the spec's.
        datasets: the table's column groups, in order.
        cells: every run of the table, rows in order.
        notes: what a reader must be told: grids and what validation chose, methods left out and why.
        declared: whether the spec declares its rows, so that they may be compared across encoders and budgets.
        trials: the runs by which validation chose.
    """

    title: str
    datasets: tuple[str, ...]
    cells: tuple[Cell, ...]
    notes: tuple[str, ...] = ()
    declared: bool = False
    trials: tuple[Cell, ...] = ()


def expand(spec: Spec) -> Matrix:
    """All runs that ``spec`` may need, each planned, so that no setting is found wrong later.

    Raises:
        UsageError: a setting is unknown or refused, or a section names no row; the row and data set are named.
        PluginError: a method that the spec names is broken.
    """
    rows, left_out = _rows(spec)
    names = [row.name for row in rows]
    for section, given in {"objective": spec.objective, "pair": spec.pair, "grid.objective": spec.grid.objective}.items():
        for name in given:
            if name not in (*names, *left_out):
                raise UsageError(f"[{section}.{name}]: {UnknownName('method or row of the spec', name, names)}")
    return Matrix(spec, tuple(_entry(spec, row, dataset) for row in rows for dataset in spec.datasets), left_out)


def select(path: Path, found: Records) -> Selection:
    """The runs behind the table of the spec at ``path``, chosen by the validation scores of the records found.

    Raises:
        UsageError: the spec isn't what it must be.
    """
    return expand(specs.read(path)).select(lambda cell: validation_score(found.of(cell)))


class Records:
    """The complete records under a folder, at any depth, by what was run."""

    def __init__(self, root: Path):
        self._found: dict[str, runs.Record] = {}
        for record in runs.readable(root):  # newest first
            if record.status == "complete":
                self._found.setdefault(_key(record.about["objective"]["name"], record.settings()), record)

    def of(self, cell: Cell) -> runs.Record | None:
        """The newest record of a cell's objective and settings, whatever the code."""
        return self._found.get(_key(cell.plan.name, cell.settings))


def validation_score(record: runs.Record | None) -> float | None:
    """What a grid's choice goes by, as early stopping does: validation accuracy + weighted F1."""
    if record is None or record.status != "complete":
        return None
    scores = record.result["metrics"]["validation"]
    return float(scores["accuracy"] + scores["weighted_f1"])


def _key(name: str, settings: Mapping[str, Any]) -> str:
    """What was run, wherever it ran."""
    return json.dumps([name, {key: value for key, value in settings.items() if key != "device"}], sort_keys=True)


def _rows(spec: Spec) -> tuple[list[Row], dict[str, str]]:
    """The rows of the table, and what ``"*"`` leaves out with the reason."""
    if spec.row:
        return spec.row, {}
    if spec.objectives != "*":
        return [specs.Row(name=name, objective=name) for name in spec.objectives], {}
    reasons = {name: _reason_to_leave_out(name) for name in registry.objectives}
    rows = [specs.Row(name=name, objective=name) for name, reason in reasons.items() if not reason]
    return rows, {name: reason for name, reason in reasons.items() if reason}


def _reason_to_leave_out(name: str) -> str:
    try:
        kind = objective.named(name)
        return f"a variant of {kind.variant_of}" if kind.variant_of else kind.unmet()
    except PluginError as error:
        return str(error)


def _entry(spec: Spec, row: Row, dataset: str) -> Entry:
    candidates = tuple(spec.grid.candidates(row.name))
    try:
        cells = tuple(tuple(_cell(spec, row, dataset, seed, tried) for seed in spec.seeds) for tried in candidates)
    except UsageError as error:
        raise UsageError(f"row {row.name} on {dataset}: {error}") from None
    return Entry(row.name, dataset, candidates, cells)


def _cell(spec: Spec, row: Row, dataset: str, seed: int, tried: Mapping[str, Any]) -> Cell:
    return Cell(row.name, plan(row.objective, {"dataset": dataset, "seed": seed}, {**spec.of(row, dataset), **tried}))


def _choice(entry: Entry, score: Callable[[Cell], float | None]) -> str:
    """A grid and what came out, in words."""
    complete = sum(score(seeds[0]) is not None for seeds in entry.cells)
    chosen = entry.chosen(score)
    tried = " | ".join(_words(candidate) for candidate in entry.candidates)
    outcome = "nothing yet" if chosen is None else _words(entry.candidates[chosen])
    trials = f"first seed; {complete} of {len(entry.cells)} trials complete"
    return f"{entry.row} on {entry.dataset}: validation chose {outcome} among {tried} ({trials})"


def _words(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in settings.items())
