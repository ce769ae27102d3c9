"""Find the settings that the trials of a search had in their records."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from fecbench.runs.find import is_readable, newest_first

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fecbench.runs.record import Record


class TrialRecords:
    """The objectives and settings of trials, by the digest of their search and their number."""

    def __init__(self, records: Iterable[Record] = ()):
        self._known: dict[tuple[str, int], list[tuple[str, Mapping[str, Any]]]] = defaultdict(list)
        for record in newest_first(filter(is_readable, records)):
            trial = record.run_file.trial
            if trial:
                self._known[trial.search, trial.number].append((record.run_file.objective.name, record.settings()))

    def of(self, search: str, number: int) -> Sequence[tuple[str, Mapping[str, Any]]]:
        """Return objective and settings of each record of a search's trial, the newest first."""
        return self._known.get((search, number), [])
