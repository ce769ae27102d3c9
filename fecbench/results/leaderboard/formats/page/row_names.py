"""What to call a row where its encoder and budget don't stand beside it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from fecbench.results.leaderboard.formats import layout

if TYPE_CHECKING:
    from fecbench.results.leaderboard.board import Table


def names(table: Table) -> list[str]:
    """A name for each row, no two alike: with encoder and budget where several rows are of one method."""
    count = Counter(row.name for row in table.rows)
    return [row.name if count[row.name] == 1 else " · ".join(layout.about(table, row)) for row in table.rows]
