"""A clock that jumps ahead by hours at each call, to find code that depends on the time."""

from __future__ import annotations

import datetime
import sys
import time
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

JUMP = 7 * 3600 + 13 * 60 + 17  # seconds; no multiple of minutes, hours or days
SECONDS = ("time", "monotonic", "perf_counter", "process_time", "thread_time")
CALENDARS = ("localtime", "gmtime", "ctime")


@contextmanager
def racing_clock(packages: Collection[str]) -> Iterator[None]:
    """Advance the clock by hours at each call of ``time`` or ``datetime``.

    Names that the modules of ``packages`` imported from them are replaced too.
    """
    replaced = _replacements()
    targets = [
        (module, name)
        for module in _modules(packages)
        for name, value in vars(module).items()
        if _hashed(value) in replaced
    ]
    before = [(module, name, getattr(module, name)) for module, name in targets]
    try:
        for module, name, original in before:
            setattr(module, name, replaced[original])
        yield
    finally:
        for module, name, original in before:
            setattr(module, name, original)


def _modules(packages: Collection[str]) -> list[Any]:
    of_packages = [
        module
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] in packages and module is not None
    ]
    return [time, datetime, *of_packages]


def _hashed(value: object) -> object:
    """Return ``value`` if it is callable and hashable, else None."""
    return value if callable(value) and getattr(value, "__hash__", None) else None


def _replacements() -> dict[object, object]:
    jumps = count(1)

    def later(ask: Callable[[], Any], unit: int) -> Callable[[], Any]:
        return lambda: ask() + next(jumps) * JUMP * unit

    now = later(time.time, 1)

    def dated(ask: Callable[..., Any]) -> Callable[..., Any]:
        return lambda seconds=None: ask(now() if seconds is None else seconds)

    found: dict[object, object] = {getattr(time, name): later(getattr(time, name), 1) for name in SECONDS}
    found |= {getattr(time, f"{name}_ns"): later(getattr(time, f"{name}_ns"), 10**9) for name in SECONDS}
    found |= {getattr(time, name): dated(getattr(time, name)) for name in CALENDARS}
    return found | {datetime.datetime: _later_datetime(now), datetime.date: _later_date(now)}


def _later_datetime(now: Callable[[], float]) -> type[datetime.datetime]:
    # datetime is written in C, so its methods can't be replaced; a subclass in its place can.
    class Later(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Any:
            return cls.fromtimestamp(now(), tz)

        @classmethod
        def utcnow(cls) -> Any:
            return cls.fromtimestamp(now(), datetime.UTC).replace(tzinfo=None)

        @classmethod
        def today(cls) -> Any:
            return cls.now()

    return Later


def _later_date(now: Callable[[], float]) -> type[datetime.date]:
    class LaterDate(datetime.date):
        @classmethod
        def today(cls) -> Any:
            return cls.fromtimestamp(now())

    return LaterDate
