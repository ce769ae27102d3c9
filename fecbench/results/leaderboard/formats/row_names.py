"""Row names where encoder and budget have no columns: in parts of the page, and as headings of columns."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from fecbench.results.leaderboard.formats import layout

if TYPE_CHECKING:
    from fecbench.results.leaderboard.board import Table


def names(table: Table) -> list[str]:
    """Return a unique name for each row; rows of the same name get encoder and budget added."""
    count = Counter(row.name for row in table.rows)
    return [row.name if count[row.name] == 1 else " · ".join(layout.about(table, row)) for row in table.rows]
