"""Write the notes under a table: missing runs, the records' own notes, and unwanted differences between runs."""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING

from fecbench.core.text import shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from fecbench.results.leaderboard.board import Cell, DatasetVersion, Row
    from fecbench.results.leaderboard.run import Run


WARNING = "LIMITED"  # in a record's own note that a run was limited to some training rows


def notes_of(rows: Sequence[Row], datasets: Sequence[DatasetVersion], declared: bool = False) -> tuple[str, ...]:
    """Return all notes on a table's rows. ``declared`` rows are compared across encoders."""
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
        *_label_texts(runs),
    )


def short_notes_of(rows: Sequence[Row], declared: bool = False) -> tuple[str, ...]:
    """Return the notes that bear on a comparison, in few lines: missing runs, limits on rows, unequal encoders."""
    runs = [(row.name, run) for row in rows for cell in row.cells for run in cell.runs]
    limits = (note for note in _recorded(rows) if WARNING in note)
    return (*_missing_together(rows), *limits, *_encoders(runs, declared))


def _missing_together(rows: Sequence[Row]) -> Iterator[str]:
    """Yield one note on all missing runs."""
    names = [row.name for row in rows if any(cell.missing for cell in row.cells)]
    if names:
        yield f"runs are missing: {shortened(names)}"


def _where(row: Row, version: DatasetVersion, datasets: Sequence[DatasetVersion]) -> str:
    return f"{row.name} on {version.name}" if len(datasets) > 1 else row.name


def _missing(cells: Sequence[tuple[str, Cell]]) -> Iterator[str]:
    for where, cell in cells:
        seeds_by_reason: dict[str, list[str]] = defaultdict(list)
        for missing in cell.missing:
            seeds = seeds_by_reason[missing.reason]
            if missing.seed is not None:
                seeds.append(str(missing.seed))
        for reason, seeds in seeds_by_reason.items():
            yield f"missing: {where}{_of_seeds(seeds)}: {reason}"


def _of_seeds(seeds: Sequence[str]) -> str:
    """Return the seeds, or `seed/fold`, as they follow a row's name.

    >>> _of_seeds(["1", "2"]), _of_seeds(["3"]), _of_seeds(["3/0", "3/1"]), _of_seeds([])
    (', seeds 1, 2', ', seed 3', ', seed/fold 3/0, 3/1', '')
    """
    if not seeds:
        return ""
    word = "seed/fold" if "/" in seeds[0] else "seed" if len(seeds) == 1 else "seeds"
    return f", {word} {', '.join(seeds)}"


def _recorded(rows: Sequence[Row]) -> Iterator[str]:
    """Yield each note of the records once, with the rows that have it unless all have it.

    A note that only some folds of a cross-validation have begins with their numbers.
    """
    rows_by_note: dict[str, dict[str, None]] = defaultdict(dict)
    for row in rows:
        for cell in row.cells:
            for note in _notes_with_folds(cell.runs):
                rows_by_note[note][row.name] = None
    measured = {row.name for row in rows if any(cell.runs for cell in row.cells)}
    for note, names in rows_by_note.items():
        yield note if set(names) == measured else f"{shortened(list(names))}: {note}"


def _notes_with_folds(runs: Sequence[Run]) -> Iterator[str]:
    folds: dict[str, dict[int | None, None]] = defaultdict(dict)
    for run in runs:
        for note in run.notes:
            folds[note][run.fold] = None
    every = {run.fold for run in runs}
    for note, numbers in folds.items():
        yield note if set(numbers) == every else f"fold {', '.join(map(str, numbers))}: {note}"


def _code(cells: Sequence[tuple[str, Cell]]) -> Iterator[str]:
    mixed = [where for where, cell in cells if len({run.code for run in cell.runs}) > 1]
    if mixed:
        yield f"different code versions between the seeds of a row: {shortened(mixed)}"


def _differing(runs: Sequence[tuple[str, Run]], what: str, of_run: Callable[[Run], str]) -> Iterator[str]:
    values = _rows_by(runs, of_run)
    if len(values) > 1:
        yield f"{what} differs: {_listed(values)}"


def _rows_by(runs: Sequence[tuple[str, Run]], of_run: Callable[[Run], str]) -> dict[str, dict[str, None]]:
    """Return the names of rows by the value that ``of_run`` returns for their runs."""
    # Dicts as ordered sets: notes name rows in the order of the table, while sets of texts have no fixed order.
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for where, run in runs:
        found[of_run(run)][where] = None
    return found


def _listed(values: Mapping[str, Iterable[str]]) -> str:
    return "; ".join(f"{value} ({shortened(list(names))})" for value, names in values.items())


def _packages(runs: Sequence[tuple[str, Run]]) -> Iterator[str]:
    """Yield a note for each package, Python included, whose version differs.

    Older records without any version don't count; other notes name them.
    """
    versioned = [(where, run) for where, run in runs if run.versions]
    for package in dict.fromkeys(package for _, run in versioned for package in run.versions):
        yield from _differing(versioned, package, partial(_version, package))


def _version(package: str, run: Run) -> str:
    return run.versions.get(package, "unknown")


def _encoders(runs: Sequence[tuple[str, Run]], declared: bool) -> Iterator[str]:
    """Yield notes on encoder weights: several under one name, one under several names, and unknown ones."""
    for name in dict.fromkeys(run.encoder for _, run in runs):
        of_name = [(where, run) for where, run in runs if run.encoder == name]
        weights = _rows_by(of_name, lambda run: str(run.settings["encoder"]))
        if len(weights) > 1:
            compared = "are still compared, since the spec declares its rows" if declared else "aren't compared"
            yield f"encoders named {name} have different weights and {compared}: {_listed(weights)}"
    for name in dict.fromkeys(str(run.settings["encoder"]) for _, run in runs):
        of_encoder = [(where, run) for where, run in runs if run.settings["encoder"] == name]
        recorded_names = _rows_by(of_encoder, lambda run: run.encoder)
        if len(recorded_names) > 1:
            yield f"encoders of equal weights count as one, shown as {name}: {_listed(recorded_names)}"
        yield from _unknown_weights(name, of_encoder)


def _unknown_weights(name: str, runs: Sequence[tuple[str, Run]]) -> Iterator[str]:
    """Yield notes on older records of one encoder that don't identify its weights."""
    known = {run.weights for _, run in runs} - {""}
    without = dict.fromkeys(where for where, run in runs if not run.weights)
    if known and without:
        yield (
            f"older records of {shortened(list(without))} don't identify the weights of {name}; "
            "they are assumed to be those of the other runs"
        )
    if len(known) > 1 and any(run.pretrained is None for _, run in runs):
        rows = dict.fromkeys(where for where, _ in runs)
        yield (
            f"the weights of {name} differ between seeds ({shortened(list(rows))}); "
            "older records don't state whether they are random by design"
        )


def _revisions(runs: Sequence[tuple[str, Run]]) -> Iterator[str]:
    for encoder in dict.fromkeys(str(run.settings["encoder"]) for _, run in runs):
        own = [(where, run) for where, run in runs if run.settings["encoder"] == encoder]
        yield from _differing(own, f"the revision of {encoder}", lambda run: run.revision or "unknown")


def _label_texts(runs: Sequence[tuple[str, Run]]) -> Iterator[str]:
    """Yield a note on the labels of each data set whose texts differ, though ``--label-texts`` doesn't.

    Older records don't tell the texts.
    """
    groups: dict[tuple[str, str], list[tuple[str, Run]]] = defaultdict(list)
    for where, run in runs:
        if run.label_texts:
            groups[run.fingerprint, run.settings["label_texts"]].append((where, run))
    for group in groups.values():
        texts: dict[str, set[str]] = defaultdict(set)
        for _, run in group:
            for label, text in zip(run.labels, run.label_texts, strict=False):
                texts[label].add(text)
        differing = [label for label, several in texts.items() if len(several) > 1]
        if differing:
            rows = shortened(list(dict.fromkeys(where for where, _ in group)))
            yield f"labels have different descriptions: {shortened(differing)} (in runs of {rows})"
