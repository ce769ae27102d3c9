"""Keep of each method, encoder and budget the trial that validation chooses."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

from fecbench.core.text import shortened
from fecbench.results.leaderboard.board import COMPARED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from fecbench.results.leaderboard.board import Cell, DatasetVersion, Row


class BestTrials(NamedTuple):
    """The rows after the choice, a note on each choice, and notes on trials among which nothing could choose."""

    rows: tuple[Row, ...]
    choices: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()


def best_trials(rows: Sequence[Row], datasets: Sequence[DatasetVersion]) -> BestTrials:
    """Return one row for each method, encoder and budget, with notes.

    On each data set the row has the cell with the best validation score, by which grids choose too: the mean over the
    seeds that all trials have, or over their own if they share none. Test scores have no part in the choice.
    Trials without validation scores, such as those of a method that is scored on test rows alone, stay rows of their
    own.
    """
    trials: dict[tuple[object, ...], list[Row]] = defaultdict(list)
    for row in rows:
        trials[row.objective, *(row.condition(key) for key in COMPARED)].append(row)
    kept: list[Row] = []
    choices: list[str] = []
    undecided: list[str] = []
    for group in trials.values():
        found = [_chosen([row.cells[number] for row in group]) for number in range(len(datasets))]
        chosen = [number for number in found if number is not None]
        if len(chosen) < len(found):
            kept += group
            undecided.append(f"no validation scores to choose by: {shortened(_names(group))}")
        else:
            kept.append(_merged(group, chosen))
            choices += _notes(group, chosen, datasets)
    return BestTrials(tuple(kept), tuple(choices), tuple(undecided))


def _merged(group: Sequence[Row], chosen: Sequence[int]) -> Row:
    """Return the row with the chosen trial's cell on each data set."""
    if len(group) == 1:
        return group[0]
    cells = tuple(group[of].cells[number] for number, of in enumerate(chosen))
    return replace(group[0], name=group[0].objective, cells=cells)


def _chosen(cells: Sequence[Cell]) -> int | None:
    """Return the number of the cell with the best validation score, the first of equal ones.

    None if several cells have runs and none has a validation score.
    """
    tried = [number for number, cell in enumerate(cells) if cell.runs]
    if len(tried) < 2:
        return next(iter(tried), 0)
    scores = [_validation_scores(cell) for cell in cells]
    scored = [number for number, of in enumerate(scores) if of]
    if not scored:
        return None
    common = set.intersection(*(set(scores[number]) for number in scored))
    return max(scored, key=lambda number: (_mean(scores[number], common), -number))


def _validation_scores(cell: Cell) -> dict[int | str, float]:
    """Return the validation scores of a cell's runs by seed."""
    from fecbench.bench.validation_score import validation_score  # boards without trials needn't import torch

    found = {run.repetition: validation_score(run.record) for run in cell.runs}
    return {repetition: score for repetition, score in found.items() if score is not None}


def _mean(scores: Mapping[int | str, float], common: set[int | str]) -> float:
    return fmean(score for repetition, score in scores.items() if repetition in common or not common)


def _notes(group: Sequence[Row], chosen: Sequence[int], datasets: Sequence[DatasetVersion]) -> Iterator[str]:
    """Yield a note for each data set with several trials."""
    for number, of in enumerate(chosen):
        trials = sum(bool(row.cells[number].runs) for row in group)
        if trials > 1:
            where = f"{group[0].objective} on {datasets[number].name}" if len(datasets) > 1 else group[0].objective
            yield f"{where}: validation chose {_names(group)[of]} among {trials} trials"


def _names(group: Sequence[Row]) -> list[str]:
    """Return the rows' names, with their batch size where several have one name: they differ in nothing else then."""
    names = [row.name for row in group]
    sizes = [" / ".join(map(str, row.setting("batch_size"))) for row in group]
    return [
        name if names.count(name) == 1 else f"{name}, batch {size}" for name, size in zip(names, sizes, strict=True)
    ]
