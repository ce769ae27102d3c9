"""The options of a run that say how its rows are read, for the other commands that read data sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fecbench.core.options import options
from fecbench.core.settings import RunSettings, build
from fecbench.runs.identity import ROW_SETTINGS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import click


def settings_options(*more: str) -> list[click.Parameter]:
    """Return the options of the settings that choose the rows, ``--dataset`` excepted, and of the settings ``more``."""
    wanted = {*ROW_SETTINGS, *more} - {"dataset"}
    return [option for option in options(RunSettings) if option.name in wanted]


def row_settings(dataset: str, flags: Mapping[str, Any], command: str) -> RunSettings:
    """Return the run settings for reading ``dataset`` under the ``flags`` that were given; None is one that wasn't.

    Raises:
        UsageError: a value is invalid; the message begins with ``command``.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    return build(RunSettings, {"dataset": dataset, **given}, command)
