"""Show methods and data sets under the names that their plugins declare for papers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fecbench.results.display_names import dataset_display, method_display

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fecbench.results.leaderboard.board import Row, Table


def with_display_names(table: Table) -> Table:
    """Return the table with the display names of methods and data sets.

    A row that a spec names keeps its name. If two data sets, such as two versions of one, or two rows have the same
    display name, all of the table's keep their registered names.
    """
    names = [version.name for version in table.datasets]
    displayed = _distinct(names, [dataset_display(name) for name in names])
    datasets = tuple(replace(version, name=name) for version, name in zip(table.datasets, displayed, strict=True))
    title = ", ".join(displayed) if table.title == ", ".join(names) else table.title
    row_names = [row.name for row in table.rows]
    shown_names = _distinct(row_names, list(map(_row_name, table.rows)))
    rows = tuple(replace(row, name=name) for row, name in zip(table.rows, shown_names, strict=True))
    return replace(table, title=title, datasets=datasets, rows=rows)


def _row_name(row: Row) -> str:
    """Return the row's name with the method's display name in place of its registered one."""
    display = method_display(row.objective)
    if row.name == row.objective:
        return display
    settings = row.name.removeprefix(f"{row.objective} (")
    return row.name if settings == row.name else f"{display} ({settings}"


def _distinct(names: Sequence[str], displayed: Sequence[str]) -> Sequence[str]:
    """Return the displayed names, or the given ones if that makes different names equal."""
    return displayed if len(set(displayed)) == len(set(names)) else names
