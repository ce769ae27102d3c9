"""Complete the settings of records with the options of their method that are newer than they are."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from fecbench.core.errors import FecbenchError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def with_newer_options(objective: str, records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the settings of each record, with the defaults of the options that other ``records`` have and it lacks.

    An option that didn't exist yet had its default, as a newer setting has. Options without a default, and those of a
    method that isn't installed, stay missing.

    Args:
        objective: the method of all records.
        records: every setting's value, by name, of each record.
    """
    known = {name for settings in records for name in settings}
    if all(known == settings.keys() for settings in records):
        return [dict(settings) for settings in records]
    defaults = {name: value for name, value in _defaults(objective).items() if name in known}
    return [
        {**settings, **{name: value for name, value in defaults.items() if name not in settings}}
        for settings in records
    ]


def _defaults(objective: str) -> dict[str, Any]:
    """Return the defaults of a method's options; none if it isn't installed."""
    from fecbench.objective.check import get_objective  # imports torch, which most records make needless

    with suppress(FecbenchError):
        fields = get_objective(objective).Config.model_fields
        return {
            key: field.get_default(call_default_factory=True)
            for key, field in fields.items()
            if not field.is_required()
        }
    return {}
