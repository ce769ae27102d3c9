"""Options and settings of the commands that read data sets as a run does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fecbench.core.options import options
from fecbench.core.settings import RunSettings, build

if TYPE_CHECKING:
    from collections.abc import Mapping

    import click


def setting_options(*names: str) -> list[click.Parameter]:
    """Return the options of `fecbench run` for the settings ``names``."""
    return [option for option in options(RunSettings) if option.name in names]


def row_settings(dataset: str, flags: Mapping[str, Any], command: str) -> RunSettings:
    """Return the run settings for reading ``dataset`` under the ``flags`` that were given; None is one that wasn't.

    Raises:
        UsageError: a value is invalid; the message begins with ``command``.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    return build(RunSettings, {"dataset": dataset, **given}, command)
