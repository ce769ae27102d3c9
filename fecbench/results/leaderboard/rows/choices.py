"""Fold the notes on the settings that validation chose for the rows of a spec into one line."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fecbench.bench.planned_run import PlannedRun
    from fecbench.bench.selection import Selection


def folded_choices(selection: Selection) -> Iterator[str]:
    """Yield one note on all choices of a spec; none if nothing is to be chosen.

    It names the settings that were tried and the number of rows and data sets, each of which has a choice of its own.
    """
    trials: dict[tuple[str, str], list[PlannedRun]] = defaultdict(list)
    for planned in selection.trials:
        trials[_place(planned)].append(planned)
    if not trials:
        return
    names = sorted({name for tried in trials.values() for name in _differing(tried)})
    numbers = sorted({len(tried) for tried in trials.values()})
    waiting = len(trials.keys() - {_place(planned) for planned in selection.runs})
    each = str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}"
    where = "1 row" if len(trials) == 1 else f"each of {len(trials)} rows and data sets"
    rest = f"; {waiting} not chosen yet" if waiting else ""
    settings = ", ".join(names) or "settings"
    yield f"validation chose {settings} for {where} among {each} trials under the first seed{rest}"


def _place(planned: PlannedRun) -> tuple[str, str]:
    return planned.row, planned.plan.settings.dataset


def _differing(tried: Iterable[PlannedRun]) -> Iterator[str]:
    """Yield the settings in which trials differ."""
    values: dict[str, list[Any]] = defaultdict(list)
    for planned in tried:
        for name, value in planned.settings.items():
            values[name].append(value)
    yield from (name for name, each in values.items() if any(value != each[0] for value in each))
