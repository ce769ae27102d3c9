"""Render a board with the choices that its format has by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fecbench.results.leaderboard.formats.registered import get_format, render
from fecbench.results.leaderboard.view.view import View

if TYPE_CHECKING:
    from fecbench.results.leaderboard.board import Board


def rendered(board: Board, form: str, **choices: Any) -> str:
    """Return ``board`` as text in a registered format, with some of its usual choices replaced.

    Raises:
        UnknownName: no format has the name ``form``, or a metric has a column in no table.
        PluginError: the format is broken.
    """
    get_format(form)  # an unknown format is refused before the work
    return render(replace(View.usual(form), **choices).of(board), form)
