"""Compute the learning-rate schedule."""

from __future__ import annotations


def share_of_peak(schedule: str, step: int, steps: int, warmup: float) -> float:
    """Return the factor on the peak learning rate at ``step`` (from 0) of ``steps``.

    The factor rises linearly from 0 during the first ``warmup`` (a fraction) of the steps. Then it falls linearly to 0
    (``"linear"``) or stays at 1 (``"constant"``).

    >>> [share_of_peak("linear", step, 4, 0.0) for step in range(5)]
    [1.0, 0.75, 0.5, 0.25, 0.0]
    >>> [share_of_peak("constant", step, 4, 0.5) for step in range(5)]
    [0.0, 0.5, 1.0, 1.0, 1.0]
    """
    rise = round(warmup * steps)
    if step < rise:
        return step / rise
    # max: rounding can make the warmup as long as a run of few steps.
    return (steps - step) / max(1, steps - rise) if schedule == "linear" else 1.0
