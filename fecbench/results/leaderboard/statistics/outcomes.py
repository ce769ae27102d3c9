"""What a method's runs predicted for the test rows, and scores from counts alone.

F1 needs, for each class, how many rows it was rightly given (TP), how many it was given at all, and how many it has (its support). A
record holds what was predicted and whether that is right, and the supports; so no gold label is needed. Both counts are sums over rows,
and change linearly when two methods swap a row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fecbench.core.errors import RunError
from fecbench.runs.predictions import read_predictions
from fecbench.runs.record import PREDICTIONS
from fecbench.training.logits import NO_ANSWER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fecbench.results.leaderboard.run import Run


TOLERANCE = 1e-6


@dataclass(frozen=True)
class Outcomes:
    """The predictions of S runs for N test rows.

    Attributes:
        predicted: class numbers ``[S, N]``, one numbering for all runs; -1 is no answer, which is wrong and of no class.
        correct: bool ``[S, N]``.
        support: number of true rows of each class ``[C]``.
    """

    predicted: np.ndarray
    correct: np.ndarray
    support: np.ndarray

    def counts(self) -> np.ndarray:
        """What each row adds to TP and to the number of predictions of each class: float32 ``[N, S, C, 2]`` of zeros and ones.

        A row without an answer adds nothing.
        """
        classes = len(self.support)
        given = np.eye(classes + 1, classes, dtype=np.float32)[
            self.predicted.T
        ]  # the last line, which -1 finds, is of zeros
        return np.stack([given * self.correct.T[..., None], given], axis=-1)


def accuracy(counts: np.ndarray, support: np.ndarray) -> np.ndarray:
    """Share of rows predicted right ``[...]``, from counts ``[..., C, 2]``."""
    return np.asarray(counts[..., 0].sum(-1) / support.sum())


def weighted_f1(counts: np.ndarray, support: np.ndarray) -> np.ndarray:
    """The classes' F1 weighted by support ``[...]``, from counts ``[..., C, 2]``."""
    return np.asarray(_f1(counts, support) @ support / support.sum())


def macro_f1(counts: np.ndarray, support: np.ndarray) -> np.ndarray:
    """The plain mean of the classes' F1 ``[...]``, from counts ``[..., C, 2]``."""
    return np.asarray(_f1(counts, support).mean(-1))


def _f1(counts: np.ndarray, support: np.ndarray) -> np.ndarray:
    """F1 of each class; 0 for one that is neither there nor predicted."""
    return np.asarray(2 * counts[..., 0] / np.maximum(counts[..., 1] + support, 1))


BY_COUNTS = {"accuracy": accuracy, "weighted_f1": weighted_f1, "macro_f1": macro_f1}


def of_runs(runs: Sequence[Run]) -> Outcomes:
    """The outcomes of runs on the same rows; classes are numbered in the order of their names, however the runs number them.

    Raises:
        RunError: predictions are missing, of another make, or don't give the record's scores.
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
        raise RunError(f"the predictions of {run.record.id} can't be read") from error  # the cause tells where they are
    if "correct" not in tensors or "predicted" not in tensors:
        raise RunError(f"the predictions of {run.record.id} don't say which are right (an older record)")
    places, predicted = np.append(np.argsort(np.argsort(run.labels)), NO_ANSWER), tensors["predicted"].numpy()
    if not np.isin(predicted, range(NO_ANSWER, len(run.labels))).all() or predicted.dtype.kind not in "iu":
        raise RunError(f"the predictions of {run.record.id} are of other labels than it has")
    found = places[predicted], tensors["correct"].numpy().astype(bool)  # the last place, which -1 finds, is -1 again
    _check(run, *found)
    return found


def _check(run: Run, predicted: np.ndarray, correct: np.ndarray) -> None:
    """Predictions must give the scores that the record claims."""
    support = np.array([run.support[label] for label in sorted(run.labels)], dtype=np.float64)
    alone = Outcomes(predicted[None], correct[None], support)
    fits = len(predicted) == len(correct) == support.sum()
    if not fits or any(
        abs(float(of(alone.counts().sum(0), support)[0]) - run.scores[name]) > TOLERANCE
        for name, of in BY_COUNTS.items()
    ):
        raise RunError(f"the predictions of {run.record.id} don't give its scores")
