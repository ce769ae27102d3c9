"""Training curves: a validation score by epoch for each seed, and the objective's logged values of one seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fecbench.core.errors import PluginError, UnknownName
from fecbench.objective.check import get_objective
from fecbench.results.leaderboard.formats.row_names import names
from fecbench.results.page.charts import Chart, chart
from fecbench.results.plots.dynamics import drawn_panels, logged_series
from fecbench.runs.identity import repetition_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fecbench.results.leaderboard.board import Row, Table
    from fecbench.results.leaderboard.run import Run

    History = Sequence[Mapping[str, Any]]


METRIC = {"single": "accuracy", "multi": "mean_average_precision"}  # free of thresholds
TITLE = {"single": "validation accuracy, percent", "multi": "validation mAP, percent"}


@dataclass(frozen=True)
class DatasetTraining:
    """A row's training on one data set.

    Attributes:
        dataset: the data set's name.
        seed: the seed, or `seed/fold`, of the logged values.
        best: seed (or `seed/fold`), best epoch and number of epochs of each run whose record has them.
        charts: the charts, validation first; empty if nothing was logged.
    """

    dataset: str
    seed: int | str
    best: tuple[tuple[int | str, int, int], ...]
    charts: tuple[Chart, ...]


@dataclass(frozen=True)
class Training:
    """A row's training on each data set that it was run on."""

    method: str
    datasets: tuple[DatasetTraining, ...]


def training_of(table: Table) -> tuple[Training, ...]:
    """Return the training of each row that was run."""
    found = (Training(name, _of_row(table, row)) for name, row in zip(names(table), table.rows, strict=True))
    return tuple(training for training in found if training.datasets)


def _of_row(table: Table, row: Row) -> tuple[DatasetTraining, ...]:
    pairs = zip(table.datasets, row.cells, strict=True)
    return tuple(_of_runs(version.name, cell.runs) for version, cell in pairs if cell.runs)


def _of_runs(dataset: str, runs: Sequence[Run]) -> DatasetTraining:
    first = runs[0]
    histories = [run.record.history() for run in runs]  # read once: both charts below are of them
    charts = (_validation(runs, histories), *_logged(first, histories[0]))
    best = tuple((run.repetition, *epochs) for run in runs if (epochs := _epochs(run)))
    return DatasetTraining(dataset, first.repetition, best, tuple(chart for chart in charts if chart))


def _epochs(run: Run) -> tuple[int, int] | None:
    """Return the best epoch and the number of epochs; None for a method that doesn't train."""
    result = run.record.result_file
    return (result.best_epoch, result.epochs) if result.best_epoch and result.epochs else None


def _validation(runs: Sequence[Run], histories: Sequence[History]) -> Chart | None:
    kind = runs[0].labelling
    curves = {
        repetition_words(run.repetition): _scores(history, METRIC[kind])
        for run, history in zip(runs, histories, strict=True)
    }
    return chart(TITLE[kind], "epoch", curves)


def _scores(history: History, metric: str) -> list[tuple[float, float]]:
    events = [event for event in history if event["event"] == "evaluation"]
    scored = [(event["epoch"], _score(event.get("metrics"), metric)) for event in events]
    return [(epoch, 100 * score) for epoch, score in scored if score is not None]


def _score(metrics: object, metric: str) -> float | None:
    """Return the score of an event; None if the event has another format."""
    score = metrics.get(metric) if isinstance(metrics, dict) else None
    return score if isinstance(score, int | float) else None


def _logged(run: Run, history: History) -> list[Chart | None]:
    curves = logged_series(run.record, history)
    panels = drawn_panels(_declared(run.objective), curves)
    return [chart(title, "batch", {name: curves[name] for name in names}) for title, names in panels.items()]


def _declared(name: str) -> Mapping[str, Sequence[str]]:
    """Return the objective's panels; empty if the objective isn't installed here."""
    try:
        return get_objective(name).panels
    except (UnknownName, PluginError):
        return {}
