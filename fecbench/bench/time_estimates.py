"""How long a run will take, by what earlier ones took."""

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


ALIKE = (("objective", "dataset", "encoder"), ("objective", "encoder"), ("encoder",))


class Estimates:
    """What complete runs took; those of the same objective, data set and encoder tell most."""

    def __init__(self, records: Iterable[Record]):
        self._known: dict[
            tuple[str, ...], list[tuple[float, float]]
        ] = {}  # seconds a text and epoch, and seconds for the rest
        for record in records:
            self.learn(record)

    @classmethod
    def under(cls, *roots: Path) -> Estimates:
        """What the records under some folders tell."""
        return cls(record for root in roots for record in readable_records(root))

    def learn(self, record: Record) -> None:
        """Take in a run; one that isn't complete, or lacks the figures, tells nothing."""
        if record.status != "complete":
            return
        try:
            run_file, result, settings = record.run_file, record.result_file, record.settings()
            rows, epochs, training, total = run_file.dataset.rows, result.epochs, result.train_seconds, result.seconds
            if rows is None or not epochs or training is None or total is None:  # an older record
                return
            rate = training / (_texts(settings, rows.train) * epochs)
            rest = max(0.0, total - training)  # of a run that was continued, the last part's
        except (RunError, TypeError, ZeroDivisionError, OverflowError):
            return
        if rate < 0:
            return
        for key in _keys(run_file.objective.name, settings):
            self._known.setdefault(key, []).append((rate, rest))

    def seconds(self, plan: Plan, rows: int) -> float | None:
        """How long ``plan`` takes on ``rows`` training rows if it isn't stopped early; None where no earlier run was like it."""
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
    """A time for people.

    >>> in_words(42.4), in_words(600), in_words(9000), in_words(None)
    ('42 s', '10 min', '2 h 30 min', 'unknown')
    """
    if seconds is None:
        return "unknown"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
