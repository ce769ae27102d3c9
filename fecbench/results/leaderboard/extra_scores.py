"""Further figures of runs beside metrics: F1 of single labels, training time, speed and size of the model.

They are columns like those of metrics, but no test and, except for F1, no rank.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fecbench.core.errors import UnknownName

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from fecbench.results.leaderboard.run import Run


CLASS_F1 = "class_f1"
COSTS = {"seconds": "train_seconds", "texts_per_second": "texts_per_second", "parameters": "parameters"}
EXTRA = (CLASS_F1, *COSTS)


def is_extra(name: str) -> bool:
    """Return True if a column is of an extra figure.

    >>> is_extra("class_f1:joy"), is_extra("seconds"), is_extra("macro_f1")
    (True, True, False)
    """
    return name.partition(":")[0] in EXTRA


def is_cost(name: str) -> bool:
    """Return True if a column is of a cost, by which rows aren't ranked."""
    return name in COSTS


def with_extra_scores(runs: Sequence[Run], names: Sequence[str]) -> tuple[Run, ...]:
    """Return the runs with extra figures as scores, where their records hold them.

    Args:
        runs: runs, complete or not.
        names: the figures: ``class_f1`` for the F1 of every label or ``class_f1:LABEL``, ``seconds`` of training,
            ``texts_per_second`` in training, and ``parameters`` of the model in millions.

    Raises:
        UnknownName: a label belongs to no run's data set.
    """
    known = {label for run in runs for label in run.labels}
    for name in names:
        label = name.partition(":")[2]
        if label and label not in known:
            raise UnknownName("label", label, known, where="of the runs")
    return tuple(_with_scores(run, names) for run in runs)


def _with_scores(run: Run, names: Sequence[str]) -> Run:
    if run.status != "complete":
        return run
    figures = {name: figure for wanted in names for name, figure in _figures(run, wanted) if _is_number(figure)}
    return replace(run, scores={**run.scores, **figures})


def _figures(run: Run, wanted: str) -> Iterator[tuple[str, Any]]:
    """Yield the names and values of a figure; None for one that the record lacks."""
    result = run.record.result
    if wanted == "parameters":
        count = result.get(COSTS[wanted])
        yield wanted, count / 1e6 if isinstance(count, int) else None
    elif wanted in COSTS:
        yield wanted, result.get(COSTS[wanted])
    else:
        label = wanted.partition(":")[2]
        for name in (label,) if label else run.labels:
            yield f"{CLASS_F1}:{name}", _class_f1(result, name)


def _class_f1(result: Mapping[str, Any], label: str) -> Any:
    scores = (result.get("per_class") or {}).get(label)
    return scores.get("f1") if isinstance(scores, dict) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
