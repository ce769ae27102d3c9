"""Compute a metric for records that lack it, from their confusion matrices."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from fecbench.core.errors import PluginError, UsageError
from fecbench.results.leaderboard.extra_scores import is_extra, with_extra_scores
from fecbench.training.logits import NO_ANSWER
from fecbench.training.metrics import check_metric_name, facts_of, get_metric, value_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fecbench.results.leaderboard.run import Run

    Answers = tuple[np.ndarray, np.ndarray]


def with_metrics(runs: Sequence[Run], names: Sequence[str]) -> tuple[Run, ...]:
    """Return the runs with the scores ``names``, computed where a complete run's record lacks them.

    A run has no such score if a metric isn't for its labelling, if its options don't fit the labels of its data set, if
    it needs probabilities, or if the record holds no confusion matrix, as for texts with several labels.

    Names of extra figures (``extra_scores``) count as metrics, too.

    Raises:
        UnknownName: no metric is called so, it has no such option, or an option names a label that no run has.
        UsageError: an option's value is invalid or fits the labels of no run, or no run has a labelling of the metric.
        PluginError: a metric's plugin is broken.
    """
    extra = [name for name in names if is_extra(name)]
    names = [name for name in names if name not in extra]
    recorded = {name for run in runs for name in run.scores}
    for name in names:
        if name not in recorded:
            check_metric_name(name)
            _check_labels(runs, name)
    return with_extra_scores([_with_metrics(run, names) for run in runs], extra)


def _check_labels(runs: Sequence[Run], name: str) -> None:
    """Raise UsageError if a metric fits the labels of no run's data set."""
    unfit = []
    for labels, labelling in dict.fromkeys((run.labels, run.labelling) for run in runs):
        try:
            get_metric(name, labels, labelling)
        except UsageError as error:
            unfit.append(error)
        else:
            return
    if unfit:
        raise unfit[0]


def _with_metrics(run: Run, names: Sequence[str]) -> Run:
    missing = [name for name in names if name not in run.scores and facts_of(name).needs == "labels"]
    counted = missing and run.status == "complete" and run.labelling == "single"
    answers = _answers(run) if counted else None
    if answers is None:
        return run
    scores = {name: score for name in missing if (score := _score(run, name, answers)) is not None}
    return replace(run, scores={**run.scores, **scores})


def _score(run: Run, name: str, answers: Answers) -> float | None:
    """Return a metric's value; None if it doesn't fit the labels of the run's data set."""
    try:
        metric = get_metric(name, run.labels, run.labelling)
    except UsageError:
        return None
    try:
        return value_of(name, metric, *answers, len(run.labels))
    except PluginError:
        return None


def _answers(run: Run) -> Answers | None:
    """Return true and predicted labels ``[N]`` of the test rows, in another order than the rows'.

    A record holds no gold labels, but their counts: the confusion matrix, and the number of true rows of each label.
    None if it lacks these counts, or they contradict each other.
    """
    try:
        counts = np.array(run.record.result_file.confusion_matrix, dtype=np.int64)
    except (TypeError, ValueError):
        return None
    size = len(run.labels)
    support = np.array([run.support[label] for label in run.labels], dtype=np.int64)
    if counts.shape != (size, size) or (counts < 0).any() or (unanswered := support - counts.sum(1)).min() < 0:
        return None
    cells = np.column_stack([counts, unanswered])
    true, predicted = np.repeat(np.indices(cells.shape).reshape(2, -1), cells.ravel(), axis=1)
    return true, np.where(predicted == size, NO_ANSWER, predicted)
