"""Estimate the time of a run from earlier runs."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any

from fecbench.core.errors import RunError
from fecbench.runs.find import readable_records

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from fecbench.runs.plan import Plan
    from fecbench.runs.record import Record


# The settings by which runs count as alike, the closest match first.
ALIKE = (("objective", "dataset", "encoder"), ("objective", "encoder"), ("encoder",))


class Estimates:
    """The times of complete runs. The estimate uses runs of the same objective, data set and encoder if there are any.

    Otherwise it uses runs of the same objective and encoder, else of the same encoder.
    """

    def __init__(self, records: Iterable[Record]):
        # for each run: seconds per text and epoch of training, and seconds of everything else
        self._known: dict[tuple[str, ...], list[tuple[float, float]]] = {}
        for record in records:
            self.learn(record)

    @classmethod
    def under(cls, *roots: Path) -> Estimates:
        """Return the estimates from the records under ``roots``."""
        return cls(record for root in roots for record in readable_records(root))

    def learn(self, record: Record) -> None:
        """Add the times of a run; ignore a run that isn't complete or whose record has no times."""
        if record.status != "complete":
            return
        try:
            run_file, result, settings = record.run_file, record.result_file, record.settings()
            rows, epochs, training, total = run_file.dataset.rows, result.epochs, result.train_seconds, result.seconds
            if rows is None or not epochs or training is None or total is None:  # an older record
                return
            rate = training / (_texts(settings, rows.train) * epochs)
            rest = max(0.0, total - training)  # `seconds` of a resumed run starts anew
        except (RunError, TypeError, ZeroDivisionError, OverflowError):
            return
        if rate < 0:
            return
        for key in _keys(run_file.objective.name, settings):
            self._known.setdefault(key, []).append((rate, rest))

    def seconds(self, plan: Plan, rows: int) -> float | None:
        """Return the seconds of ``plan`` on ``rows`` training rows without early stopping; None if unknown."""
        settings = plan.settings.model_dump()
        for key in _keys(plan.name, settings):
            if key in self._known:
                rates, rests = zip(*self._known[key], strict=True)
                return float(median(rates) * _texts(settings, rows) * plan.settings.epochs + median(rests))
        return None


def _texts(settings: Mapping[str, Any], rows: int) -> int:
    return min(rows, settings["limit"] or rows)


def _keys(objective: str, settings: Mapping[str, Any]) -> list[tuple[str, ...]]:
    known = {"objective": objective, **settings}
    return [tuple(str(known[name]) for name in names) for names in ALIKE]


def in_words(seconds: float | None) -> str:
    """Return a duration as text.

    >>> in_words(42.4), in_words(600), in_words(9000), in_words(None)
    ('42 s', '10 min', '2 h 30 min', 'unknown')
    """
    if seconds is None:
        return "unknown"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
