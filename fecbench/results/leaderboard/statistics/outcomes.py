"""Read the predictions of runs, and compute scores from counts instead of gold labels.

The F1 of a class needs its true positives (TP), its number of predictions and its number of true rows (the support).
A record holds the predictions, which of them are correct, and the supports, so that no gold label is needed. TP and
the number of predictions are sums over rows: they change linearly when two methods swap a row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from fecbench.core.errors import RunError
from fecbench.runs.predictions import read_predictions
from fecbench.runs.record import PREDICTIONS
from fecbench.training.logits import NO_ANSWER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scipy.sparse import csr_array

    from fecbench.results.leaderboard.run import Run


Predictions = tuple[np.ndarray, np.ndarray]
BY_COUNTS = ("accuracy", "weighted_f1", "macro_f1")
TOLERANCE = 1e-6  # between the record's scores and those of its predictions


@dataclass(frozen=True)
class Outcomes:
    """The predictions of S runs for N test rows.

    The runs of a cross-validation each predict the rows of their fold alone. For the other rows they give no answer,
    which changes none of their counts.

    Attributes:
        predicted: class numbers ``[S, N]`` in one numbering for all runs; -1 for no answer, which is wrong.
        correct: True for correct predictions, bool ``[S, N]``.
        support: the number of true rows of each class, ``[C]`` for all runs or ``[S, C]``.
    """

    predicted: np.ndarray
    correct: np.ndarray
    support: np.ndarray
    metrics: ClassVar[tuple[str, ...]] = BY_COUNTS
    rounding: ClassVar[float] = 0.0  # of a difference of scores: their counts are whole numbers

    def totals(self) -> np.ndarray:
        """Return TP and number of predictions of each run and class, float64 ``[S, 2, C]``.

        Rows without an answer add nothing.
        """
        size = self.support.shape[-1] + 1  # the first class stands for no answer
        found = [
            (np.bincount(classes[correct], minlength=size), np.bincount(classes, minlength=size))
            for classes, correct in zip(self.predicted + 1, self.correct, strict=True)
        ]
        return np.array(found, dtype=np.float64)[:, :, 1:]

    def scores(self, totals: np.ndarray) -> np.ndarray:
        """Return the scores ``[3, ..., S]`` of ``metrics`` from totals ``[..., S, 2, C]``."""
        return scores_by_counts(totals, self.support)

    def swap_effects(self, other: Outcomes) -> csr_array:
        """Return the change of the totals for each swapped row, sparse float32 (:func:`swap_effects`)."""
        return swap_effects(self, other)


def swap_effects(first: Outcomes, second: Outcomes) -> csr_array:
    """Return the change of ``first.totals()`` for each swapped row: sparse float32 ``[S * 2 * C, M]``.

    The M rows are those on which some run of ``first`` differs from that of ``second`` under the same seed.
    """
    from scipy.sparse import csr_array

    differ = (first.predicted != second.predicted) | (first.correct != second.correct)
    rows, classes = differ.any(0), first.support.shape[-1]
    number = np.cumsum(rows) - 1
    seed, row = differ.nonzero()
    row_indices, columns, values = [], [], []
    for outcomes, sign in ((first, -1), (second, 1)):
        predicted, correct = outcomes.predicted[seed, row], outcomes.correct[seed, row]
        for kind, counted in ((0, correct & (predicted >= 0)), (1, predicted >= 0)):
            row_indices.append((2 * seed[counted] + kind) * classes + predicted[counted])
            columns.append(number[row[counted]])
            values.append(np.full(counted.sum(), sign, np.float32))  # exact: sums of fewer than 2^24 ones
    entries = np.concatenate(values), (np.concatenate(row_indices), np.concatenate(columns))
    return csr_array(entries, shape=(2 * classes * len(first.predicted), int(rows.sum())))


def scores_by_counts(counts: np.ndarray, support: np.ndarray) -> np.ndarray:
    """Return accuracy, weighted F1 and macro F1 ``[3, ...]`` from counts ``[..., 2, C]`` or ``[..., S, 2, C]``.

    A class that is neither there nor predicted has an F1 of 0.

    Args:
        counts: true positives and number of predictions of each class.
        support: number of true rows of each class, ``[C]`` or ``[S, C]``.
    """
    right, predicted = counts[..., 0, :], counts[..., 1, :]
    f1 = 2 * right / np.maximum(predicted + support, 1)
    rows = support.sum(-1)
    weighted = f1 @ support if support.ndim == 1 else (f1 * support).sum(-1)
    return np.stack([right.sum(-1) / rows, weighted / rows, f1.mean(-1)])


def of_predictions(runs: Sequence[Run], predicted: Sequence[Predictions]) -> Outcomes:
    """Return the outcomes of runs on the same test rows, or on those of the folds of a cross-validation."""
    if runs[0].fold is not None:
        return _of_folds(runs, predicted)
    classes, correct = zip(*predicted, strict=True)
    return Outcomes(np.stack(classes), np.stack(correct), _support(runs[0]))


def _of_folds(runs: Sequence[Run], predicted: Sequence[Predictions]) -> Outcomes:
    """Return the outcomes of runs, each on the rows of its fold, with the rows of all folds one after the other."""
    rows = {run.fold: len(classes) for run, (classes, _) in zip(runs, predicted, strict=True)}
    starts = dict(zip(rows, np.cumsum([0, *rows.values()]).tolist(), strict=False))
    shape = len(runs), sum(rows.values())
    whole, correct = np.full(shape, NO_ANSWER, np.int64), np.zeros(shape, bool)
    for number, (run, (classes, right)) in enumerate(zip(runs, predicted, strict=True)):
        own = slice(starts[run.fold], starts[run.fold] + len(classes))
        whole[number, own], correct[number, own] = classes, right
    return Outcomes(whole, correct, np.stack([_support(run) for run in runs]))


def predictions(run: Run) -> Predictions:
    """Return the predicted classes ``[N]`` of a run and which of them are correct, ``[N]``.

    Classes are numbered in the order of their names, however the run numbers them.

    Raises:
        RunError: predictions are missing, have another format, or don't give the record's scores.
    """
    tensors = arrays_of(run)
    if "correct" not in tensors or "predicted" not in tensors:
        raise RunError(f"the predictions of {run.record.id} don't mark the correct ones (an older record)")
    predicted = tensors["predicted"]
    if not np.isin(predicted, range(NO_ANSWER, len(run.labels))).all() or predicted.dtype.kind not in "iu":
        raise RunError(f"the predictions of {run.record.id} have numbers of other labels than the record")
    # the run's label numbers to numbers in the order of names; the last entry, which -1 indexes, is -1 again
    by_name = np.append(np.argsort(np.argsort(run.labels)), NO_ANSWER)
    outcome = by_name[predicted], tensors["correct"].astype(bool)
    _check(run, *outcome)
    return outcome


def arrays_of(run: Run) -> dict[str, np.ndarray]:
    """Return the arrays of a run's predictions.

    Raises:
        RunError: they are missing, or can't be read. The message holds no path, since a board shows it.
    """
    if not (run.record.folder / PREDICTIONS).is_file():
        raise RunError(f"{run.record.id} holds no predictions")
    try:
        return read_predictions(run.record)
    except RunError as error:
        raise RunError(f"the predictions of {run.record.id} can't be read") from error


def _check(run: Run, predicted: np.ndarray, correct: np.ndarray) -> None:
    """Raise RunError if the predictions don't give the record's scores."""
    support = _support(run)
    alone = Outcomes(predicted[None], correct[None], support)
    fits = len(predicted) == len(correct) == support.sum()
    if not fits or any(
        abs(score - run.scores[name]) > TOLERANCE
        for name, score in zip(BY_COUNTS, scores_by_counts(alone.totals()[0], support), strict=True)
    ):
        raise RunError(f"the predictions of {run.record.id} don't give its scores")


def _support(run: Run) -> np.ndarray:
    """Return the number of true rows of each class ``[C]``, in the order of the classes' names."""
    return np.array([run.support[label] for label in sorted(run.labels)], dtype=np.float64)
