"""Replace local paths by their last part, so that a board shows no path of the machine of a run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from fecbench.runs.local_paths import without_local_paths

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fecbench.results.leaderboard.board import Cell, Row
    from fecbench.results.leaderboard.run import Run

    Content = TypeVar("Content")


def hide_paths(row: Row) -> Row:
    """Return ``row`` without local paths.

    Call it after rows are made and compared, since two folders may have the same last part. Encoders keep their names,
    which hold no path.
    """
    return replace(row, cells=tuple(map(_hide_in_cell, row.cells)))


def _hide_in_cell(cell: Cell) -> Cell:
    return replace(cell, settings=_hide(cell.settings, cell.settings), runs=tuple(map(_hide_in_run, cell.runs)))


def _hide_in_run(run: Run) -> Run:
    return replace(run, settings=_hide(run.settings, run.settings), notes=_hide(run.notes, run.settings))


def _hide(content: Content, settings: Mapping[str, Any]) -> Content:
    return without_local_paths(content, {key: value for key, value in settings.items() if key != "encoder"})
