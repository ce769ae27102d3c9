"""Thresholds of the labels of texts with several labels, tuned on validation rows.

A label is given to a text if its probability is at least its threshold. The functions take one set of rows: pass those
of the validation split. Thresholds tuned on test rows make every F1 on them too good.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from fecbench.core.settings import FIXED_THRESHOLD, SHRINK

Rule = Literal["per-class", "global", "fixed"]
RULES = ("per-class", "global", "fixed")
ROUNDING = 1e-12  # values of F1 that differ by less are equal


def tuned_thresholds(
    true: np.ndarray,
    probabilities: np.ndarray,
    rule: Rule,
    *,
    threshold: float = FIXED_THRESHOLD,
    shrink: float = SHRINK,
) -> np.ndarray:
    """Return a threshold for each label, float64 ``[C]``.

    - ``fixed``: ``threshold`` for every label.
    - ``global``: the one threshold with the greatest macro F1; among equals the nearest to ``threshold``.
    - ``per-class``: the threshold with the greatest F1 of the label, shrunk towards the global one: ``(n t +
      shrink t_global) / (n + shrink)`` with n the number of rows of the label. Among equals the nearest to the global
      one is taken. A label without rows has the global one.

    Candidates are the midpoints of neighbouring probabilities, and a point on either side of all of them. No other
    threshold has another F1.

    Args:
        true: bool ``[N, C]``, the labels of validation rows.
        probabilities: ``[N, C]``.
        rule: one of the three above.
        threshold: the threshold of ``fixed``; for the others it decides between equals.
        shrink: weight of the global threshold, in rows; only for ``per-class``.

    Raises:
        ValueError: the rule is unknown, ``shrink`` is negative, or the shapes differ.

    >>> true, probabilities = np.array([[1, 0], [0, 1]]), np.array([[0.4, 0.2], [0.2, 0.3]])
    >>> tuned_thresholds(true, probabilities, "per-class", shrink=0).round(4).tolist()
    [0.3, 0.25]
    """
    if rule not in RULES:
        raise ValueError(f"the rule must be one of {', '.join(RULES)}, found {rule!r}")
    if not shrink >= 0 or true.shape != probabilities.shape:
        raise ValueError(
            "shrink must be 0 or more and every label have a probability, "
            f"found {shrink}, {true.shape} and {probabilities.shape}"
        )
    if rule == "fixed":
        return np.full(true.shape[1], threshold, dtype=float)
    true, probabilities = true.astype(bool), probabilities.astype(float)
    of_all = global_threshold(true, probabilities, threshold)
    if rule == "global":
        return np.full(true.shape[1], of_all)
    rows = true.sum(0)
    own = np.array([class_threshold(*column, of_all) for column in zip(true.T, probabilities.T, strict=True)])
    # A label without rows has n = 0, and so the global threshold, unless shrink is 0 as well.
    return np.where(rows > 0, (rows * own + shrink * of_all) / np.maximum(rows + shrink, 1), of_all)


def class_threshold(true: np.ndarray, probabilities: np.ndarray, preferred: float) -> float:
    """Return the threshold with the greatest F1 of one label; among equals the nearest to ``preferred``.

    Args:
        true: bool ``[N]``.
        probabilities: float64 ``[N]``.
        preferred: decides between equals.
    """
    order = np.argsort(-probabilities, kind="stable")
    points, last = candidate_thresholds(probabilities[order])
    return _best(points, f1_of_first(true[order])[last], preferred)


def global_threshold(true: np.ndarray, probabilities: np.ndarray, preferred: float) -> float:
    """Return the threshold of all labels with the greatest macro F1; among equals the nearest to ``preferred``.

    Args:
        true: bool ``[N, C]``.
        probabilities: float64 ``[N, C]``.
        preferred: decides between equals.
    """
    columns = np.argsort(-probabilities, axis=0, kind="stable")
    sorted_true = np.take_along_axis(true, columns, 0)
    # As the threshold falls past a cell, the F1 of its label changes by this, and no other label's.
    changes = np.diff(np.stack([f1_of_first(column) for column in sorted_true.T], 1), axis=0)
    cells = np.take_along_axis(probabilities, columns, 0).ravel()
    order = np.argsort(-cells, kind="stable")
    points, last = candidate_thresholds(cells[order])
    sums = np.concatenate([[0.0], np.cumsum(changes.ravel()[order])])
    return _best(points, sums[last] / true.shape[1], preferred)


def f1_of_first(true: np.ndarray) -> np.ndarray:
    """Return the F1 of giving a label to the first 0, 1, ..., N rows, ``[N + 1]``; 0 where nothing is true or given.

    >>> f1_of_first(np.array([True, False])).round(4).tolist()
    [0.0, 1.0, 0.6667]
    """
    hits = np.concatenate([[0], np.cumsum(true)])
    given = np.arange(len(true) + 1)
    scores: np.ndarray = 2 * hits / np.maximum(given + hits[-1], 1)
    return scores


def candidate_thresholds(descending: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return thresholds that tell apart all sets of the first k values, and k, the number of values they give.

    Args:
        descending: float64 ``[N]``, one probability or more, in descending order.

    >>> points, given = candidate_thresholds(np.array([0.8, 0.4, 0.4]))
    >>> points.round(4).tolist(), given.tolist()
    ([0.9, 0.6, 0.2], [0, 1, 3])
    """
    above = max(1.0, np.nextafter(descending[0], 2))  # a threshold of 1 gives a probability of 1
    bounds = np.concatenate([[above], descending, [0.0]])
    upper, lower = bounds[:-1], bounds[1:]
    distinct = upper > lower
    distinct[-1] = True  # all values, even if the smallest is 0
    middle = (upper + lower) / 2
    # Between neighbouring floats there is none: the greater one tells them apart, since a threshold gives itself.
    points = np.where(middle > lower, middle, upper)
    return points[distinct], np.flatnonzero(distinct)


def _best(points: np.ndarray, scores: np.ndarray, preferred: float) -> float:
    """Return the point of the greatest score; among equals the nearest to ``preferred``."""
    equal = points[scores >= scores.max() - ROUNDING]
    return float(equal[np.abs(equal - preferred).argmin()])
