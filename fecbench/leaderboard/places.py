"""Names instead of places: what is shown or published tells no path of the machine that a run was made on."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from fecbench.datasets import HUB_PREFIX, is_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fecbench.leaderboard.board import Cell, Row
    from fecbench.leaderboard.reading import Run

    Content = TypeVar("Content")

NO_PLACE = {"dataset": re.compile(f"{HUB_PREFIX}.*"), "encoder": re.compile(r"\w[\w.-]*/[\w.-]+")}  # on the hub, for all alike
OWN_PLACE = re.compile(r"/|~/|\.\.?/|[A-Za-z]:[\\/]")  # how a path begins that an objective's own option names


def name_of(setting: str, value: Any) -> Any:
    """A setting's value; of a data set, an encoder or an objective's own option that was given as a path its last part alone.

    >>> name_of("dataset", "/home/me/toy"), name_of("dataset", "hf:owner/name"), name_of("encoder", "owner/name"), name_of("lr", 0.1)
    ('toy', 'hf:owner/name', 'owner/name', 0.1)
    >>> name_of("model", "/home/me/model"), name_of("model", "owner/of/model")
    ('model', 'owner/of/model')
    """
    if setting not in NO_PLACE:
        return Path(value).name or value if isinstance(value, str) and OWN_PLACE.match(value) else value
    if not is_path(str(value)) or NO_PLACE[setting].fullmatch(value):
        return value
    return Path(value).name or value


def without_places(content: Content, settings: Mapping[str, Any]) -> Content:
    """``content``, at any depth, with the name for every path that ``settings`` hold."""
    names = {str(settings[setting]): str(name_of(setting, settings[setting])) for setting in settings}
    longest_first = sorted(names.items(), key=lambda pair: -len(pair[0]))
    return cast("Content", _renamed(content, {place: name for place, name in longest_first if place != name}))


def named(row: Row) -> Row:
    """``row`` as it may be shown. Rows are made and compared before: two folders may have one name. Encoders have their names already."""
    return replace(row, cells=tuple(map(_named, row.cells)))


def _named(cell: Cell) -> Cell:
    return replace(cell, settings=_unplaced(cell.settings, cell.settings), runs=tuple(map(_of_run, cell.runs)))


def _of_run(run: Run) -> Run:
    return replace(run, settings=_unplaced(run.settings, run.settings), notes=_unplaced(run.notes, run.settings))


def _unplaced(content: Content, settings: Mapping[str, Any]) -> Content:
    return without_places(content, {key: value for key, value in settings.items() if key != "encoder"})


def _renamed(content: Any, names: Mapping[str, str]) -> Any:
    if isinstance(content, dict):
        return {key: _renamed(value, names) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return type(content)(_renamed(value, names) for value in content)
    if isinstance(content, str):
        for place, name in names.items():
            content = content.replace(place, name)
    return content
