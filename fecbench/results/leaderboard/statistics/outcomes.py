"""Read the predictions of runs, and compute scores from counts instead of gold labels.

The F1 of a class needs its true positives (TP), its number of predictions and its number of true rows (the support).
A record holds the predictions, which of them are correct, and the supports, so that no gold label is needed. TP and
the number of predictions are sums over rows: they change linearly when two methods swap a row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fecbench.core.errors import RunError
from fecbench.runs.predictions import read_predictions
from fecbench.runs.record import PREDICTIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fecbench.results.leaderboard.run import Run


TOLERANCE = 1e-6
NO_ANSWER = -1


@dataclass(frozen=True)
class Outcomes:
    """The predictions of S runs for N test rows.

    Attributes:
        predicted: class numbers ``[S, N]`` in one numbering for all runs; -1 for no answer, which is wrong.
        correct: True for correct predictions, bool ``[S, N]``.
        support: the number of true rows of each class ``[C]``.
    """

    predicted: np.ndarray
    correct: np.ndarray
    support: np.ndarray

    def counts(self) -> np.ndarray:
        """Return what each row adds to TP and to the predictions of each class: 0 or 1, float32 ``[N, S, C, 2]``.

        A row without an answer adds nothing.
        """
        classes = len(self.support)
        one_hot = np.eye(classes + 1, classes, dtype=np.float32)  # the last row, which -1 indexes, is all zeros
        predicted = one_hot[self.predicted.T]
        return np.stack([predicted * self.correct.T[..., None], predicted], axis=-1)


def accuracy(counts: np.ndarray, support: np.ndarray) -> np.ndarray:
    """Return the share of correct rows ``[...]`` from counts ``[..., C, 2]``."""
    return np.asarray(counts[..., 0].sum(-1) / support.sum())


def weighted_f1(counts: np.ndarray, support: np.ndarray) -> np.ndarray:
    """Return the mean of the classes' F1 weighted by support ``[...]`` from counts ``[..., C, 2]``."""
    return np.asarray(_f1(counts, support) @ support / support.sum())


def macro_f1(counts: np.ndarray, support: np.ndarray) -> np.ndarray:
    """Return the unweighted mean of the classes' F1 ``[...]`` from counts ``[..., C, 2]``."""
    return np.asarray(_f1(counts, support).mean(-1))


def _f1(counts: np.ndarray, support: np.ndarray) -> np.ndarray:
    """Return the F1 of each class; 0 for a class without true rows and predictions."""
    return np.asarray(2 * counts[..., 0] / np.maximum(counts[..., 1] + support, 1))


BY_COUNTS = {"accuracy": accuracy, "weighted_f1": weighted_f1, "macro_f1": macro_f1}


def of_runs(runs: Sequence[Run]) -> Outcomes:
    """Read the outcomes of runs on the same rows. Classes are numbered in the order of their names.

    Raises:
        RunError: predictions are missing, have another format, or don't give the record's scores.
    """
    predicted, correct = zip(*map(_predictions, runs), strict=True)
    support = np.array([runs[0].support[label] for label in sorted(runs[0].labels)], dtype=np.float64)
    return Outcomes(np.stack(predicted), np.stack(correct), support)


def _predictions(run: Run) -> tuple[np.ndarray, np.ndarray]:
    path = run.record.folder / PREDICTIONS
    if not path.is_file():
        raise RunError(f"{run.record.id} holds no predictions")
    try:
        tensors = read_predictions(run.record)
    except RunError as error:
        # the message of the cause holds a path of the machine, which a board must not show
        raise RunError(f"the predictions of {run.record.id} can't be read") from error
    if "correct" not in tensors or "predicted" not in tensors:
        raise RunError(f"the predictions of {run.record.id} don't mark the correct ones (an older record)")
    predicted = tensors["predicted"].numpy()
    if not np.isin(predicted, range(NO_ANSWER, len(run.labels))).all() or predicted.dtype.kind not in "iu":
        raise RunError(f"the predictions of {run.record.id} have numbers of other labels than the record")
    # the run's label numbers to numbers in the order of names; the last entry, which -1 indexes, is -1 again
    by_name = np.append(np.argsort(np.argsort(run.labels)), NO_ANSWER)
    outcome = by_name[predicted], tensors["correct"].numpy().astype(bool)
    _check(run, *outcome)
    return outcome


def _check(run: Run, predicted: np.ndarray, correct: np.ndarray) -> None:
    """Raise RunError if the predictions don't give the record's scores."""
    support = np.array([run.support[label] for label in sorted(run.labels)], dtype=np.float64)
    alone = Outcomes(predicted[None], correct[None], support)
    fits = len(predicted) == len(correct) == support.sum()
    if not fits or any(
        abs(float(of(alone.counts().sum(0), support)[0]) - run.scores[name]) > TOLERANCE
        for name, of in BY_COUNTS.items()
    ):
        raise RunError(f"the predictions of {run.record.id} don't give its scores")
