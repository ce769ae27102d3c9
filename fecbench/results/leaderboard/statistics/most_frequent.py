"""Make the row of always predicting the most frequent class, which stands under the methods and isn't ranked."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING

from fecbench.results.leaderboard.board import MostFrequent
from fecbench.runs.majority import Majority, majority_of_test

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fecbench.results.leaderboard.board import Row
    from fecbench.results.leaderboard.run import Run


OF_TRAIN, OF_TEST = "most frequent class", "most frequent test class"


def most_frequent(rows: Sequence[Row], columns: Sequence[tuple[int, str]]) -> MostFrequent | None:
    """Return the row for the ``columns``, each the number of a data set and a metric; None without measured runs.

    There is none for texts with several labels either: a single label would miss most of them.

    Older records don't tell the most frequent training class. If a data set has only such records, the row is that of
    the most frequent test class on all data sets, and named so.
    """
    cells_by_dataset = zip(*(row.cells for row in rows), strict=True)
    runs = [[run for cell in cells for run in cell.runs] for cells in cells_by_dataset]
    labelled = [run for of_dataset in runs for run in of_dataset]
    if not labelled or labelled[0].labelling == "multi":
        return None
    of_train = all(any(run.majority for run in of_dataset) for of_dataset in runs if of_dataset)
    majorities = [_majority(of_dataset, of_train) for of_dataset in runs]
    return MostFrequent(
        OF_TRAIN if of_train else OF_TEST,
        tuple(majority.label if majority else "" for majority in majorities),
        tuple(_score(majorities[dataset], metric) for dataset, metric in columns),
    )


def _majority(runs: Sequence[Run], of_train: bool) -> Majority | None:
    """Return the most frequent class of a data set by its runs, first by those on all training rows.

    The scores of a cross-validation are means over its folds.
    """
    by_fold: dict[int | None, Majority] = {}
    for run in sorted(runs, key=lambda run: run.limit is not None):
        majority = run.majority if of_train else majority_of_test(run.support)
        if majority:
            by_fold.setdefault(run.fold, majority)
    return _mean(list(by_fold.values())) if by_fold else None


def _mean(folds: Sequence[Majority]) -> Majority:
    if len(folds) == 1:
        return folds[0]
    labels = dict.fromkeys(fold.label for fold in folds)
    tested = [fold.scores.get("test", {}) for fold in folds]
    return Majority(" / ".join(labels), {"test": {name: fmean(each[name] for each in tested) for name in tested[0]}})


def _score(majority: Majority | None, metric: str) -> float | None:
    return majority.scores.get("test", {}).get(metric) if majority else None
