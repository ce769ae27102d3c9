"""Formats by name: what entry points of the group ``fecbench_formats`` offer, functions of a board that give text."""

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
    """The format registered as ``name``.

    Raises:
        UnknownName: there is none.
        PluginError: the plugin is broken or can't be called.
    """
    found = registry.formats.get(name)
    if not callable(found):
        raise PluginError(
            f"the format {name!r} ({registry.formats.origin(name)}) must be a function of a board, found {found!r}; mend it"
        )
    return cast("Format", found)


def render(board: Board, name: str) -> str:
    """``board`` in the format registered as ``name``.

    Raises:
        UnknownName: there is none.
        PluginError: it is broken, fails, or gives something else than text.
    """
    write, who = get_format(name), f"the format {name!r} ({registry.formats.origin(name)})"
    with plugin_errors(who, write):
        text = write(board)
    if not isinstance(text, str):
        raise PluginError(f"{who} must give text, but gave {type(text).__name__}; mend or uninstall it")
    return text
