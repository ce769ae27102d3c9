"""Count the pairs of labels that methods confuse most often, and how far methods differ in them.

Where a text can have several labels, a pair is a label that a text has and isn't given, and one that it is given
wrongly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fecbench.results.leaderboard.formats import layout
from fecbench.results.leaderboard.formats.row_names import names
from fecbench.training.logits import NO_ANSWER_TEXT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fecbench.results.leaderboard.board import Column, Table
    from fecbench.results.leaderboard.run import Run


MOST = 12  # pairs to show
NO_LABEL = "no label"


class ConfusedRows(NamedTuple):
    """The test rows of a label that a method predicts as another label: mean number over seeds or folds, and share."""

    number: float
    share: float


@dataclass(frozen=True)
class Pair:
    """A true label and another label that is predicted for it.

    Attributes:
        gold: the true label.
        predicted: the predicted label.
        rows: the number of test rows with the label ``gold``, the rounded mean over folds.
        confused: the confused rows of each method.
    """

    gold: str
    predicted: str
    rows: int
    confused: tuple[ConfusedRows, ...]

    @property
    def difference(self) -> float:
        """The first method's share minus the second's."""
        return self.confused[0].share - self.confused[1].share


@dataclass(frozen=True)
class ConfusedPairs:
    """The pairs that some methods together confuse most often."""

    methods: tuple[str, ...]
    pairs: tuple[Pair, ...]

    @property
    def whole(self) -> bool:
        """True if all numbers of rows are integers, as for a single seed."""
        return all(confused.number.is_integer() for pair in self.pairs for confused in pair.confused)


@dataclass(frozen=True)
class Confusions:
    """The confusions on one data set.

    Attributes:
        dataset: the data set's name.
        several: True if a text can have several labels.
        over: the seeds or folds of the means, in words.
        beside: the method of interest, or the best, beside the best other one.
        every: all methods; None if ``beside`` has all of them.
        lacking: the methods that were run but whose records hold no valid counts.
    """

    dataset: str
    several: bool
    over: str
    beside: ConfusedPairs
    every: ConfusedPairs | None
    lacking: tuple[str, ...]


def confusions_of(table: Table) -> tuple[Confusions, ...]:
    """Return the confusions on each data set, from the records that hold their counts."""
    return tuple(found for dataset in range(len(table.datasets)) if (found := _of_dataset(table, dataset)))


def _of_dataset(table: Table, dataset: int) -> Confusions | None:
    cells = {number: row.cells[dataset] for number, row in enumerate(table.rows) if row.cells[dataset].runs}
    found = {number: matrix for number, cell in cells.items() if (matrix := mean_matrix(cell.runs)) is not None}
    if not found:
        return None
    first, several = next(iter(cells.values())).runs[0], table.labelling == "multi"
    labels = (*sorted(first.labels), NO_LABEL if several else NO_ANSWER_TEXT)
    ordered, called = _by_interest(table, dataset, found)[:2], names(table)
    rows = {called[number]: _mean_support(cells[number].runs) for number in found} if several else None
    beside = most_confused({called[number]: found[number] for number in ordered}, labels, rows)
    everyone = {called[number]: matrix for number, matrix in found.items()}
    every = most_confused(everyone, labels, rows) if len(found) > 2 else None
    lacking = tuple(called[number] for number in cells if number not in found)
    over = layout.averaged_over([[run.repetition for run in cells[number].runs] for number in ordered])
    return Confusions(table.datasets[dataset].name, several, over, beside, every, lacking)


def _mean_support(runs: Sequence[Run]) -> np.ndarray:
    """Return the mean number of test rows with each label ``[C]``, in the order of names; folds have different ones."""
    supports: np.ndarray = np.mean([[run.support[label] for label in sorted(run.labels)] for run in runs], axis=0)
    return supports


def _by_interest(table: Table, dataset: int, found: Mapping[int, np.ndarray]) -> list[int]:
    """Return the rows from best to worst mean in the data set's first column; one with a Δ row comes before all others.

    Without a column they keep their order.
    """
    column = next((column for column in table.columns if column.dataset == dataset), None)
    means = {number: _signed_mean(table, number, column) for number in found}
    interest = {gain.row for gain in table.gains}
    best = max(found, key=lambda number: (number in interest, means[number], -number))
    return [best, *sorted((number for number in found if number != best), key=lambda number: -means[number])]


def _signed_mean(table: Table, number: int, column: Column | None) -> float:
    """Return a row's mean score, negative where lower is better; minus infinity without one, which is worst."""
    score = column and table.score(number, column)
    if not (column and score):
        return -math.inf
    return -score.mean if column.lower else score.mean


def mean_matrix(runs: Sequence[Run]) -> np.ndarray | None:
    """Return the mean of the runs' confusion matrices ``[C, C + 1]``, gold labels as rows, in the order of names.

    The last column counts the rows without an answer, or without any label given. None if a record's matrix is missing
    or contradicts its number of rows by label.
    """
    found = [_label_sets(run) if run.labelling == "multi" else _matrix(run) for run in runs]
    whole = [matrix for matrix in found if matrix is not None]
    return np.mean(whole, axis=0) if len(whole) == len(found) else None


def _matrix(run: Run) -> np.ndarray | None:
    order, size = np.argsort(run.labels), len(run.labels)
    matrix = _numbers(run.record.result_file.confusion_matrix, (size, size))
    if matrix is None:
        return None
    support = np.array([run.support[label] for label in run.labels], dtype=np.float64)
    unanswered = support - matrix.sum(1)
    # Rounded, because the record holds the share of unanswered rows, not their number.
    if (unanswered < 0).any() or round(unanswered.sum()) != round(_unanswered(run) * support.sum()):
        return None
    return np.column_stack([matrix[np.ix_(order, order)], unanswered[order]])


def _label_sets(run: Run) -> np.ndarray | None:
    order, size = np.argsort(run.labels), len(run.labels)
    matrix = _numbers(run.record.result_file.label_confusions, (size, size + 1))
    support = np.array([run.support[label] for label in run.labels], dtype=np.float64)
    if matrix is None or (matrix < 0).any() or (matrix > support[:, None]).any():
        return None
    by_name: np.ndarray = matrix[np.ix_(order, np.append(order, size))]
    return by_name


def _numbers(recorded: Any, shape: tuple[int, int]) -> np.ndarray | None:
    """Return a recorded matrix as float64; None if it isn't one of finite numbers of this shape."""
    try:
        matrix = np.asarray(recorded, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    return matrix if matrix.shape == shape and np.isfinite(matrix).all() else None


def _unanswered(run: Run) -> float:
    """Return the share of test rows without an answer; 0 for older records, in which every row has one."""
    shares = run.record.result_file.unanswered or {}
    return shares.get("test", 0.0)


def most_confused(
    matrices: Mapping[str, np.ndarray],
    labels: Sequence[str],
    rows: Mapping[str, np.ndarray] | None = None,
    most: int = MOST,
) -> ConfusedPairs:
    """Return the ``most`` pairs with the most rows confused by all methods together, in falling order.

    Args:
        matrices: the confusion matrix ``[C, D]`` of each method, gold labels as rows, predicted ones as columns.
        labels: the D names of the predicted labels; the first C are the gold labels.
        rows: the number of test rows of each method with each gold label ``[C]``; None if they are the sums of each
            matrix's rows.
        most: the number of pairs.

    >>> found = most_confused({"ce": np.array([[6, 4], [1, 3]]), "aml": np.array([[9, 1], [1, 3]])}, ("glad", "proud"))
    >>> [(pair.gold, pair.predicted, pair.rows, round(pair.difference, 2)) for pair in found.pairs]
    [('glad', 'proud', 10, 0.3), ('proud', 'glad', 4, 0.0)]
    """
    total = np.stack(list(matrices.values())).astype(np.float64).sum(0)
    np.fill_diagonal(total, 0)
    sizes = [matrix.sum(1) if rows is None else rows[name] for name, matrix in matrices.items()]
    # A stable sort, so that equal boards give equal pages also if counts are equal.
    cells = [divmod(int(cell), len(labels)) for cell in np.argsort(-total, axis=None, kind="stable")[:most]]
    pairs = (
        Pair(
            labels[gold],
            labels[other],
            round(sizes[0][gold]),
            tuple(
                _confused(float(matrix[gold, other]), float(size[gold]))
                for matrix, size in zip(matrices.values(), sizes, strict=True)
            ),
        )
        for gold, other in cells
        if total[gold, other]
    )
    return ConfusedPairs(tuple(matrices), tuple(pairs))


def _confused(number: float, rows: float) -> ConfusedRows:
    """Return the confused rows of a label; a method may have been tested on no row with it."""
    return ConfusedRows(number, number / rows if rows else 0.0)
