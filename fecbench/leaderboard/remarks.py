"""What a reader of a table must be told: what is missing, what records say of themselves, and what differs that shouldn't."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from fecbench.datasets.core import some

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from fecbench.leaderboard.board import Cell, DatasetVersion, Row
    from fecbench.leaderboard.reading import Run


def of(rows: Sequence[Row], datasets: Sequence[DatasetVersion]) -> tuple[str, ...]:
    """All notes on a table's rows."""
    cells = [(_where(row, version, datasets), cell) for row in rows for version, cell in zip(datasets, row.cells, strict=True)]
    runs = [(where, run) for where, cell in cells for run in cell.runs]
    return (
        *_missing(cells),
        *_recorded(rows),
        *_code(cells),
        *_differing(runs, "precision", lambda run: run.precision),
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
        yield note if set(names) == measured else f"{some(list(names))}: {note}"


def _code(cells: Sequence[tuple[str, Cell]]) -> Iterator[str]:
    mixed = [where for where, cell in cells if len({run.code for run in cell.runs}) > 1]
    if mixed:
        yield f"the seeds of a row were run with different versions of the code: {some(mixed)}"


def _differing(runs: Sequence[tuple[str, Run]], what: str, of_run: Callable[[Run], str]) -> Iterator[str]:
    values: dict[str, dict[str, None]] = defaultdict(dict)
    for where, run in runs:
        values[of_run(run)][where] = None
    if len(values) > 1:
        yield f"{what} differs: {'; '.join(f'{value} ({some(list(names))})' for value, names in values.items())}"


def _revisions(runs: Sequence[tuple[str, Run]]) -> Iterator[str]:
    for encoder in dict.fromkeys(str(run.settings["encoder"]) for _, run in runs):
        own = [(where, run) for where, run in runs if run.settings["encoder"] == encoder]
        yield from _differing(own, f"the revision of {encoder}", lambda run: run.revision or "unknown")
