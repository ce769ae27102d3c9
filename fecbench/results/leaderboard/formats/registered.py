"""Find and call formats: functions from a board to text, registered in the entry-point group ``fecbench_formats``."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from fecbench.core import registry
from fecbench.core.errors import PluginError
from fecbench.core.plugin_errors import plugin_errors

if TYPE_CHECKING:
    from collections.abc import Callable

    from fecbench.results.leaderboard.board import Board

    Format = Callable[[Board], str]


def get_format(name: str) -> Format:
    """Return the format registered as ``name``.

    Raises:
        UnknownName: no format has this name.
        PluginError: the plugin can't be imported or isn't a function.
    """
    registered = registry.formats.get(name)
    if not callable(registered):
        raise PluginError(
            f"the format {name!r} ({registry.formats.origin(name)}) must be a function of a board, "
            f"found {registered!r}; fix or uninstall the plugin"
        )
    return cast("Format", registered)


def render(board: Board, name: str) -> str:
    """Render ``board`` in the format registered as ``name``.

    Raises:
        UnknownName: no format has this name.
        PluginError: the format is broken, raises an error, or doesn't return text.
    """
    write, who = get_format(name), f"the format {name!r} ({registry.formats.origin(name)})"
    with plugin_errors(who, write):
        text = write(board)
    if not isinstance(text, str):
        raise PluginError(f"{who} must return text, but returned {type(text).__name__}; fix or uninstall the plugin")
    return text
