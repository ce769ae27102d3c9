"""Names instead of places: what is shown or published tells no path of the machine that a run was made on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from fecbench.runs.local_paths import without_places

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fecbench.results.leaderboard.board import Cell, Row
    from fecbench.results.leaderboard.run import Run

    Content = TypeVar("Content")


def hide_paths(row: Row) -> Row:
    """``row`` as it may be shown. Rows are made and compared before: two folders may have one name. Encoders have their names already."""
    return replace(row, cells=tuple(map(_named, row.cells)))


def _named(cell: Cell) -> Cell:
    return replace(cell, settings=_unplaced(cell.settings, cell.settings), runs=tuple(map(_of_run, cell.runs)))


def _of_run(run: Run) -> Run:
    return replace(run, settings=_unplaced(run.settings, run.settings), notes=_unplaced(run.notes, run.settings))


def _unplaced(content: Content, settings: Mapping[str, Any]) -> Content:
    return without_places(content, {key: value for key, value in settings.items() if key != "encoder"})
