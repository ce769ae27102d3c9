"""Two runs that are compared example by example, and their names in a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fecbench.runs.record import Record


@dataclass(frozen=True)
class ComparedRuns:
    """Two runs on the same rows.

    Attributes:
        better: the run whose successes are listed.
        worse: the run that fails on them.
        split: the compared split.
    """

    better: Record
    worse: Record
    split: str

    @property
    def names(self) -> tuple[str, str]:
        """Display names of the better and the worse run: their methods, or :attr:`runs` if the methods are equal."""
        better, worse = (record.run_file.objective.name for record in (self.better, self.worse))
        return (better, worse) if better != worse else self.runs

    @property
    def runs(self) -> tuple[str, str]:
        """Ids of the better and the worse run, or their folders if the ids are equal."""
        if self.better.id != self.worse.id:
            return self.better.id, self.worse.id
        return str(self.better.folder), str(self.worse.folder)
