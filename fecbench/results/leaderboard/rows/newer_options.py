"""Give runs the options of their methods that are newer than their records."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fecbench.core.errors import FecbenchError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fecbench.results.leaderboard.run import Run


def with_newer_options(runs: Iterable[Run]) -> list[Run]:
    """Return the runs, each with the defaults of the options that other runs of its method have and it lacks.

    An option that didn't exist yet had its default, as a newer setting has. Options without a default, and those of a
    method that isn't installed, stay missing.
    """
    given = list(runs)
    known: dict[str, set[str]] = defaultdict(set)
    for run in given:
        known[run.objective] |= run.settings.keys()
    defaults = {
        name: _defaults(name) for name in {run.objective for run in given if known[run.objective] - run.settings.keys()}
    }
    return [_completed(run, known[run.objective], defaults.get(run.objective, {})) for run in given]


def _completed(run: Run, known: set[str], defaults: dict[str, Any]) -> Run:
    missing = {key: defaults[key] for key in known - run.settings.keys() if key in defaults}
    return replace(run, settings={**run.settings, **missing}) if missing else run


def _defaults(objective: str) -> dict[str, Any]:
    """Return the defaults of a method's options; none if it isn't installed."""
    from fecbench.objective.check import get_objective  # imports torch, which most boards make needless

    with suppress(FecbenchError):
        fields = get_objective(objective).Config.model_fields
        return {
            key: field.get_default(call_default_factory=True)
            for key, field in fields.items()
            if not field.is_required()
        }
    return {}
