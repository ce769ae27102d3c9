"""Keep of each method, encoder and budget the trial that validation chooses."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from statistics import fmean
from typing import TYPE_CHECKING

from fecbench.results.leaderboard.board import COMPARED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fecbench.results.leaderboard.board import Cell, DatasetVersion, Row


def best_trials(rows: Sequence[Row], datasets: Sequence[DatasetVersion]) -> tuple[tuple[Row, ...], tuple[str, ...]]:
    """Return one row for each method, encoder and budget, and a note for each choice.

    On each data set the row has the cell with the best validation score, by which grids choose too: the mean over the
    seeds that all trials have. Test scores have no part in the choice.
    """
    trials: dict[tuple[object, ...], list[Row]] = defaultdict(list)
    for row in rows:
        trials[row.objective, *(row.condition(key) for key in COMPARED)].append(row)
    merged, notes = [], []
    for group in trials.values():
        if len(group) == 1:
            merged += group
            continue
        chosen = [_chosen([row.cells[number] for row in group]) for number in range(len(datasets))]
        cells = tuple(group[of].cells[number] for number, of in enumerate(chosen))
        merged.append(replace(group[0], name=group[0].objective, cells=cells))
        notes += [_note(group, of, number, datasets) for number, of in enumerate(chosen)]
    return tuple(merged), tuple(notes)


def _chosen(cells: Sequence[Cell]) -> int:
    """Return the number of the cell with the best validation score; the first of equal ones, and without any score."""
    scores = [_validation_scores(cell) for cell in cells]
    scored = [number for number, of in enumerate(scores) if of]
    if not scored:
        return next((number for number, cell in enumerate(cells) if cell.runs), 0)
    common = set.intersection(*(set(scores[number]) for number in scored))
    return max(scored, key=lambda number: (_mean(scores[number], common), -number))


def _validation_scores(cell: Cell) -> dict[int | str, float]:
    """Return the validation scores of a cell's runs by seed."""
    from fecbench.bench.validation_score import validation_score  # boards without trials needn't import torch

    found = {run.repetition: validation_score(run.record) for run in cell.runs}
    return {repetition: score for repetition, score in found.items() if score is not None}


def _mean(scores: Mapping[int | str, float], common: set[int | str]) -> float:
    return fmean(score for repetition, score in scores.items() if repetition in common or not common)


def _note(group: Sequence[Row], chosen: int, number: int, datasets: Sequence[DatasetVersion]) -> str:
    where = f"{group[0].objective} on {datasets[number].name}" if len(datasets) > 1 else group[0].objective
    trials = sum(bool(row.cells[number].runs) for row in group)
    return f"{where}: validation chose {group[chosen].name} among {trials} trials"
