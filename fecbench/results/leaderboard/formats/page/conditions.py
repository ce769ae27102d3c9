"""Collect the conditions of a table's runs: data, software, machines, settings, and a list of all runs."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fecbench.core.text import shortened
from fecbench.results.leaderboard.formats import layout
from fecbench.results.leaderboard.formats.page.score_table import sort_kind
from fecbench.results.leaderboard.formats.row_names import names
from fecbench.results.shown_metrics import figure, scaled
from fecbench.runs.identity import ROW_SETTINGS
from fecbench.runs.plan import THRESHOLD_SETTINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from fecbench.results.leaderboard.board import Column, DatasetVersion, Row, Table
    from fecbench.results.leaderboard.run import Run
    from fecbench.runs.schema import RecordedObjective


@dataclass(frozen=True)
class DataFacts:
    """The facts of a data set version: its names, fingerprint, and in words its rows, labels and licence."""

    name: str
    title: str
    fingerprint: str
    facts: tuple[str, ...]


@dataclass(frozen=True)
class Fact:
    """A property of the runs.

    Attributes:
        name: the property's name.
        values: each value with the names of the rows that have it, as text; the text is empty if all rows have it.
    """

    name: str
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class MeasuredRow:
    """A run in the list of all runs.

    Attributes:
        id: the run's id.
        method: the name of its row.
        dataset: the data set's name.
        seed: the seed, or `seed/fold`.
        scores: the scores by the table's metrics, each as the value to sort by and as text; None for a missing one.
        device: the device.
        started: the start, as ISO 8601 text.
    """

    id: str
    method: str
    dataset: str
    seed: int | str
    scores: tuple[tuple[float, str] | None, ...]
    device: str
    started: str


@dataclass(frozen=True)
class Conditions:
    """The conditions of a table's runs.

    Attributes:
        data: the data sets.
        facts: software, hardware and seeds.
        shared: the settings that are the same in all rows.
        own: the other settings of each row.
        metrics: the labels of the scores in ``entries``, and the kind of each to sort by.
        units: the words for the units of the scores.
        entries: every run.
    """

    data: tuple[DataFacts, ...]
    facts: tuple[Fact, ...]
    shared: tuple[tuple[str, str], ...]
    own: tuple[tuple[str, str], ...]
    metrics: tuple[tuple[str, str], ...]
    units: str
    entries: tuple[MeasuredRow, ...]


def conditions_of(table: Table) -> Conditions | None:
    """Return the conditions of a table's runs; None without runs."""
    runs = list(_runs(table))
    if not runs:
        return None
    columns = {column.metric: column for column in table.columns}
    entries = (_entry(name, version, run, list(columns.values())) for name, version, run in runs)
    unused = THRESHOLD_SETTINGS if table.labelling == "single" else ()
    shared, own = settings(dict(zip(names(table), table.rows, strict=True)), unused)
    return Conditions(
        data=tuple(_data(version, runs) for version in table.datasets if version.fingerprint),
        facts=tuple(_facts([(name, run) for name, _, run in runs])),
        shared=shared,
        own=own,
        metrics=tuple((layout.label(table, column), sort_kind(column)) for column in columns.values()),
        units=layout.units(table),
        entries=tuple(entries),
    )


def _runs(table: Table) -> Iterator[tuple[str, DatasetVersion, Run]]:
    for name, row in zip(names(table), table.rows, strict=True):
        for version, cell in zip(table.datasets, row.cells, strict=True):
            yield from ((name, version, run) for run in cell.runs)


def _data(version: DatasetVersion, runs: Sequence[tuple[str, DatasetVersion, Run]]) -> DataFacts:
    """Return the facts of a data set as recorded by the first run on it."""
    recorded = next((run.record.run_file.dataset for _, of, run in runs if of is version), None)
    if recorded is None:
        return DataFacts(version.name, version.title, version.fingerprint, ("0 labels",))
    facts = [f"{count:,} {split} rows" for split, count in recorded.rows] if recorded.rows else []
    several = ", several to a text" if recorded.labelling == "multi" else ""
    facts.append(f"{len(recorded.labels)} labels{several}")
    if recorded.licence:
        facts.append(f"licence: {recorded.licence}")
    return DataFacts(version.name, version.title, version.fingerprint, tuple(facts))


def _facts(runs: Sequence[tuple[str, Run]]) -> Iterator[Fact]:
    kinds: dict[str, Callable[[Run], str]] = {
        "Encoder": lambda run: (
            f"{run.settings['encoder']}, revision {run.revision}" if run.revision else str(run.settings["encoder"])
        ),
        "Package of the method": lambda run: _distribution(run.record.run_file.objective),
        "Device": lambda run: run.device,
        "Precision": lambda run: run.precision,
        "Seeds": lambda run: str(run.seed),
        "Packages": lambda run: ", ".join(f"{name} {version}" for name, version in run.versions.items()),
        "Code version (SHA-256)": lambda run: run.code,
    }
    every = {name for name, _ in runs}
    for kind, of_run in kinds.items():
        values: dict[str, dict[str, None]] = defaultdict(dict)
        for name, run in runs:
            values[of_run(run)][name] = None
        yield Fact(
            kind,
            tuple(
                (value or "unknown", "" if set(names) == every else shortened(list(names)))
                for value, names in values.items()
            ),
        )


def _distribution(objective: RecordedObjective) -> str:
    return " ".join(part for part in (objective.distribution, objective.version) if part)


def _entry(method: str, version: DatasetVersion, run: Run, columns: Sequence[Column]) -> MeasuredRow:
    scores = tuple(_score(run, column) for column in columns)
    return MeasuredRow(run.record.id, method, version.name, run.repetition, scores, run.device, run.started)


def _score(run: Run, column: Column) -> tuple[float, str] | None:
    value = run.scores.get(column.metric)
    return None if value is None else (scaled(value, column.unit), figure(value, column.unit))


def settings(
    rows: Mapping[str, Row], unused: Collection[str] = ()
) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
    """Return the settings that are the same in all rows, and for each row, by name, the others as text.

    Settings that have no effect on such data are left out: those ``unused``.

    Differences in how the data are read don't count: the fingerprint shows their effect.
    """
    found = {name: _of_row(row, unused) for name, row in rows.items() if any(cell.runs for cell in row.cells)}
    first, *others = found.values()  # at least one row has runs: `conditions_of` returns None for a table without
    shared = {key: value for key, value in first.items() if all(other.get(key) == value for other in others)}
    own = (
        (name, ", ".join(f"{key} {value}" for key, value in of.items() if key not in (*shared, *ROW_SETTINGS)))
        for name, of in found.items()
    )
    return tuple(sorted(shared.items())), tuple(own)


def _of_row(row: Row, unused: Collection[str]) -> dict[str, str]:
    """Return a row's settings as text; values that differ between data sets in the order of the data sets."""
    keys = dict.fromkeys(key for cell in row.cells for key in cell.settings)
    return {key: " / ".join(map(_text, row.setting(key))) for key in sorted(keys.keys() - set(unused))}


def _text(value: object) -> str:
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)
