"""Which labels are taken for which others, and how far methods differ in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fecbench.results.leaderboard.formats.page.row_names import names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fecbench.results.leaderboard.board import Table
    from fecbench.results.leaderboard.run import Run


MOST = 12  # pairs
NO_ANSWER = "no answer"


class Taken(NamedTuple):
    """How many rows of a label were given another one, a mean over the seeds, and their share of the label's rows."""

    number: float
    share: float


@dataclass(frozen=True)
class Pair:
    """A label that is taken for another one.

    Attributes:
        gold: the true label.
        predicted: what it is taken for.
        rows: number of test rows with the label ``gold``.
        taken: by each method.
    """

    gold: str
    predicted: str
    rows: int
    taken: tuple[Taken, ...]

    @property
    def difference(self) -> float:
        """By how much the first method's share is above the second's."""
        return self.taken[0].share - self.taken[1].share


@dataclass(frozen=True)
class Confused:
    """The pairs that some methods confuse most often, taken together."""

    methods: tuple[str, ...]
    pairs: tuple[Pair, ...]

    @property
    def whole(self) -> bool:
        """Whether all numbers of rows are whole, as those of a single seed are."""
        return all(taken.number.is_integer() for pair in self.pairs for taken in pair.taken)


@dataclass(frozen=True)
class Confusions:
    """One data set.

    Attributes:
        dataset: its name.
        beside: the method of interest, else the best, beside the best other one.
        every: all methods; None where ``beside`` has them all.
        lacking: methods that were run but whose records hold no such counts.
    """

    dataset: str
    beside: Confused
    every: Confused | None
    lacking: tuple[str, ...]


def of_table(table: Table) -> tuple[Confusions, ...]:
    """The confusions on each data set, of the rows whose records hold a confusion matrix."""
    return tuple(found for dataset in range(len(table.datasets)) if (found := _of_dataset(table, dataset)))


def _of_dataset(table: Table, dataset: int) -> Confusions | None:
    cells = {number: row.cells[dataset] for number, row in enumerate(table.rows) if row.cells[dataset].runs}
    found = {number: matrix for number, cell in cells.items() if (matrix := mean_matrix(cell.runs)) is not None}
    if not found:
        return None
    labels = (*sorted(next(iter(cells.values())).runs[0].labels), NO_ANSWER)
    ordered, called = _by_interest(table, dataset, found), names(table)
    beside = most_confused({called[number]: found[number] for number in ordered[:2]}, labels)
    every = (
        most_confused({called[number]: matrix for number, matrix in found.items()}, labels) if len(found) > 2 else None
    )
    lacking = tuple(called[number] for number in cells if number not in found)
    return Confusions(table.datasets[dataset].name, beside, every, lacking)


def _by_interest(table: Table, dataset: int, found: Mapping[int, np.ndarray]) -> list[int]:
    """Rows by their mean in the data set's first column, those whose gain is given before all others."""
    column = next(column for column in table.columns if column.dataset == dataset)
    scores = {number: table.score(number, column) for number in found}
    means = {number: score.mean if score else 0.0 for number, score in scores.items()}
    interest = {gain.row for gain in table.gains}
    best = max(found, key=lambda number: (number in interest, means[number], -number))
    return [best, *sorted((number for number in found if number != best), key=lambda number: -means[number])]


def mean_matrix(runs: Sequence[Run]) -> np.ndarray | None:
    """The mean of the runs' confusion matrices ``[C, C + 1]``, gold labels as rows, in the order of the labels' names.

    The last column counts the rows without an answer. None where a record's matrix is missing or contradicts its numbers of rows by label.
    """
    found = [_matrix(run) for run in runs]
    whole = [matrix for matrix in found if matrix is not None]
    return np.mean(whole, axis=0) if len(whole) == len(found) else None


def _matrix(run: Run) -> np.ndarray | None:
    order, size = np.argsort(run.labels), len(run.labels)
    try:
        matrix = np.asarray(run.record.result_file.confusion_matrix, dtype=np.float64)
    except (TypeError, ValueError):  # of another make
        return None
    if matrix.shape != (size, size):
        return None
    support = np.array([run.support[label] for label in run.labels], dtype=np.float64)
    unanswered = support - matrix.sum(1)
    if (unanswered < 0).any() or round(unanswered.sum()) != round(_unanswered(run) * support.sum()):
        return None
    return np.column_stack([matrix[np.ix_(order, order)], unanswered[order]])


def _unanswered(run: Run) -> float:
    """The share of test rows without an answer; older records don't say it and have none."""
    shares = run.record.result_file.unanswered or {}
    return shares.get("test", 0.0)


def most_confused(matrices: Mapping[str, np.ndarray], labels: Sequence[str], most: int = MOST) -> Confused:
    """The ``most`` pairs of which all methods together confuse most rows, by falling number.

    Args:
        matrices: by method, ``[C, D]``, gold labels as rows, what they are taken for as columns.
        labels: D names, of the gold labels first.
        most: how many pairs.

    >>> found = most_confused({"ce": np.array([[6, 4], [1, 3]]), "aml": np.array([[9, 1], [1, 3]])}, ("glad", "proud"))
    >>> [(pair.gold, pair.predicted, pair.rows, round(pair.difference, 2)) for pair in found.pairs]
    [('glad', 'proud', 10, 0.3), ('proud', 'glad', 4, 0.0)]
    """
    total = np.stack(list(matrices.values())).astype(np.float64).sum(0)
    np.fill_diagonal(total, 0)
    size = next(iter(matrices.values())).sum(1)
    places = [divmod(int(place), len(labels)) for place in np.argsort(-total, axis=None, kind="stable")[:most]]
    pairs = (
        Pair(
            labels[gold],
            labels[other],
            round(size[gold]),
            tuple(_taken(matrix[gold], other) for matrix in matrices.values()),
        )
        for gold, other in places
        if total[gold, other]
    )
    return Confused(tuple(matrices), tuple(pairs))


def _taken(row: np.ndarray, other: int) -> Taken:
    return Taken(float(row[other]), float(row[other] / row.sum()))
