"""The scores of all seeds on one scale, to compare the spread between methods with the spread between seeds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from fecbench.results.leaderboard.formats import layout
from fecbench.results.leaderboard.formats.row_names import names
from fecbench.results.page.axes import Axis
from fecbench.results.shown_metrics import figure, scaled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fecbench.results.leaderboard.board import Column, Score, Table


STEPS = 5


class Dot(NamedTuple):
    """A seed's score, or a fold's, as it is shown, its position on the axis in percent of its length, and its text."""

    seed: int | str
    score: float
    at: float
    text: str


@dataclass(frozen=True)
class Strip:
    """A row's scores by one metric.

    Attributes:
        dots: a dot for each seed and fold.
        mean: the mean of the scores as it is shown, mostly in percent.
        at: the position of the mean in percent of the axis.
        text: the mean as text.
    """

    dots: tuple[Dot, ...]
    mean: float
    at: float
    text: str


@dataclass(frozen=True)
class Scale:
    """A metric's axis: its label, and its ticks with their positions in percent of its length."""

    label: str
    ticks: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class SeedScores:
    """The seed scores of all rows on one data set.

    Attributes:
        dataset: the data set's name.
        scales: a scale for each metric.
        rows: the rows' names, each with a strip for each scale; None for a missing score.
    """

    dataset: str
    scales: tuple[Scale, ...]
    rows: tuple[tuple[str, tuple[Strip | None, ...]], ...]


def seed_scores_of(table: Table) -> tuple[SeedScores, ...]:
    """Return the seed scores on each data set that has any."""
    return tuple(found for dataset in range(len(table.datasets)) if (found := _of_dataset(table, dataset)))


def _of_dataset(table: Table, dataset: int) -> SeedScores | None:
    axes = {
        column.metric: (column, axis)
        for column in table.columns
        if column.dataset == dataset and (axis := _axis(table, column))
    }
    if not axes:
        return None
    scales = tuple(
        Scale(layout.label(table, column), tuple((f"{tick:g}", _percent(axis, tick)) for tick in axis.ticks))
        for column, axis in axes.values()
    )
    rows = tuple(
        (name, tuple(_strip(table.score(number, column), axis, column.unit) for column, axis in axes.values()))
        for number, name in enumerate(names(table))
    )
    return SeedScores(table.datasets[dataset].name, scales, rows)


def _axis(table: Table, column: Column) -> Axis | None:
    scores = list(_scores(table, column))
    return Axis.over(scores, STEPS) if scores else None


def _scores(table: Table, column: Column) -> Iterator[float]:
    for number in range(len(table.rows)):
        score = table.score(number, column)
        yield from (scaled(value, column.unit) for value in (score.seeds.values() if score else ()))


def _strip(score: Score | None, axis: Axis, unit: str) -> Strip | None:
    if score is None or not score.seeds:
        return None

    def placed(value: float) -> tuple[float, float, str]:
        return scaled(value, unit), _percent(axis, scaled(value, unit)), figure(value, unit)

    return Strip(tuple(Dot(seed, *placed(value)) for seed, value in score.seeds.items()), *placed(score.mean))


def _percent(axis: Axis, value: float) -> float:
    return round(100 * axis.share(value), 2)
