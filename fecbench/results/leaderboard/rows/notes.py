"""What a reader of a table must be told: what is missing, what records say of themselves, and what differs that shouldn't."""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING

from fecbench.core.text import shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from fecbench.results.leaderboard.board import Cell, DatasetVersion, Row
    from fecbench.results.leaderboard.run import Run


def notes_of(rows: Sequence[Row], datasets: Sequence[DatasetVersion], declared: bool = False) -> tuple[str, ...]:
    """All notes on a table's rows; ``declared`` rows are compared whatever their encoders."""
    cells = [
        (_where(row, version, datasets), cell)
        for row in rows
        for version, cell in zip(datasets, row.cells, strict=True)
    ]
    runs = [(where, run) for where, cell in cells for run in cell.runs]
    return (
        *_missing(cells),
        *_recorded(rows),
        *_code(cells),
        *_differing(runs, "precision", lambda run: run.precision or "unknown"),
        *_differing(runs, "device", lambda run: run.device or "unknown"),
        *_packages(runs),
        *_encoders(runs, declared),
        *_revisions(runs),
    )


def _where(row: Row, version: DatasetVersion, datasets: Sequence[DatasetVersion]) -> str:
    return f"{row.name} on {version.name}" if len(datasets) > 1 else row.name


def _missing(cells: Sequence[tuple[str, Cell]]) -> Iterator[str]:
    for where, cell in cells:
        reasons: dict[str, list[str]] = defaultdict(list)
        for missing in cell.missing:
            reasons[missing.reason] += [] if missing.seed is None else [str(missing.seed)]
        for reason, seeds in reasons.items():
            of_seeds = f", seed {', '.join(seeds)}" if seeds else ""
            yield f"missing: {where}{of_seeds}: {reason}"


def _recorded(rows: Sequence[Row]) -> Iterator[str]:
    """Each note of the records once, with the rows that it is of."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for row in rows:
        for cell in row.cells:
            for run in cell.runs:
                for note in run.notes:
                    found[note][row.name] = None
    measured = {row.name for row in rows if any(cell.runs for cell in row.cells)}
    for note, names in found.items():
        yield note if set(names) == measured else f"{shortened(list(names))}: {note}"


def _code(cells: Sequence[tuple[str, Cell]]) -> Iterator[str]:
    mixed = [where for where, cell in cells if len({run.code for run in cell.runs}) > 1]
    if mixed:
        yield f"the seeds of a row were run with different versions of the code: {shortened(mixed)}"


def _differing(runs: Sequence[tuple[str, Run]], what: str, of_run: Callable[[Run], str]) -> Iterator[str]:
    values = _rows_by(runs, of_run)
    if len(values) > 1:
        yield f"{what} differs: {_listed(values)}"


def _rows_by(runs: Sequence[tuple[str, Run]], of_run: Callable[[Run], str]) -> dict[str, dict[str, None]]:
    """Rows by what ``of_run`` says of their runs."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for where, run in runs:
        found[of_run(run)][where] = None
    return found


def _listed(values: Mapping[str, Iterable[str]]) -> str:
    return "; ".join(f"{value} ({shortened(list(names))})" for value, names in values.items())


def _packages(runs: Sequence[tuple[str, Run]]) -> Iterator[str]:
    """Packages whose versions differ, Python among them; runs that don't say any version are left to what else tells their age."""
    told = [(where, run) for where, run in runs if run.versions]
    for package in dict.fromkeys(package for _, run in told for package in run.versions):
        yield from _differing(told, package, partial(_version, package))


def _version(package: str, run: Run) -> str:
    return run.versions.get(package, "unknown")


def _encoders(runs: Sequence[tuple[str, Run]], declared: bool) -> Iterator[str]:
    """What the weights say of encoders that a name doesn't: two under one name, one under two, and what isn't known."""
    for name in dict.fromkeys(run.encoder for _, run in runs):
        weights = _rows_by(
            [(where, run) for where, run in runs if run.encoder == name], lambda run: str(run.settings["encoder"])
        )
        if len(weights) > 1:
            how = (
                "compared all the same, since the spec declares its rows"
                if declared
                else "which aren't compared with one another"
            )
            yield f"encoders called {name} have different weights, {how}: {_listed(weights)}"
    for name in dict.fromkeys(str(run.settings["encoder"]) for _, run in runs):
        own = [(where, run) for where, run in runs if run.settings["encoder"] == name]
        given = _rows_by(own, lambda run: run.encoder)
        if len(given) > 1:
            yield f"encoders of equal weights are one, here called {name}: {_listed(given)}"
        known = {run.weights for _, run in own} - {""}
        if unsaid := dict.fromkeys(where for where, run in own if not run.weights and known):
            yield f"older records of {shortened(list(unsaid))} don't say the weights of {name}: they are taken for those of the other runs"
        if len(known) > 1 and any(run.pretrained is None for _, run in own):
            changed = dict.fromkeys(where for where, _ in own)
            yield f"the weights of {name} differ between seeds ({shortened(list(changed))}), and older records don't say whether by design"


def _revisions(runs: Sequence[tuple[str, Run]]) -> Iterator[str]:
    for encoder in dict.fromkeys(str(run.settings["encoder"]) for _, run in runs):
        own = [(where, run) for where, run in runs if run.settings["encoder"] == encoder]
        yield from _differing(own, f"the revision of {encoder}", lambda run: run.revision or "unknown")
