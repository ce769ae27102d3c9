"""Find the families of methods and their variants. A variant of a method doesn't count as its baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fecbench.core.errors import FecbenchError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fecbench.results.leaderboard.board import Row


def families(rows: Sequence[Row]) -> tuple[str, ...]:
    """Return the family of each row: the method that it is a variant of, or its own method.

    Each published row is a family of its own.
    """
    parents = {row.objective: parent(row) for row in rows}
    return tuple(_root(row.objective, parents) or row.name for row in rows)


def parent(row: Row) -> str | None:
    """Return the method that a row's method is a variant of: empty for no variant, None if unknown.

    It comes from the records; for older records that lack it, from the installed objective.
    """
    recorded = [run.variant_of for cell in row.cells for run in cell.runs if run.variant_of is not None]
    return recorded[0] if recorded else _installed(row.objective)


def _installed(name: str) -> str | None:
    if not name:
        return ""
    from fecbench.objective.check import get_objective  # imports torch, which newer records make needless

    try:
        return get_objective(name).variant_of
    except FecbenchError:  # not installed here, or broken
        return None


def _root(name: str, parents: Mapping[str, str | None]) -> str:
    """Return the method at the root of a chain of variants."""
    seen = set[str]()  # ends the loop if plugins name one another as variants
    while (above := parents[name] if name in parents else _installed(name)) and name not in seen:
        seen.add(name)
        name = above
    return name
