"""Options and settings of the commands that read data sets as a run does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fecbench.core.options import options
from fecbench.core.settings import RunSettings, build
from fecbench.data.datasets.description.flags import check_flags
from fecbench.runs.identity import ROW_SETTINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import click


def row_options(*others: str) -> Callable[[click.Command], click.Command]:
    """Return a decorator that adds the options of `fecbench run` that choose and read the rows of a data set.

    Args:
        others: further settings to add options for.
    """
    names = {*ROW_SETTINGS, *others} - {"dataset"}

    def add(command: click.Command) -> click.Command:
        command.params += [option for option in options(RunSettings) if option.name in names]
        return command

    return add


def row_settings(dataset: str, flags: Mapping[str, Any], command: str) -> RunSettings:
    """Return the run settings for reading ``dataset`` under the ``flags`` that were given; None is one that wasn't.

    Raises:
        UsageError: a value is invalid, or a flag of one's own data is given with a registered data set; the message
            about a value begins with ``command``.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    check_flags(dataset, given)
    return build(RunSettings, {"dataset": dataset, **given}, command)
