"""A row of a benchmark's table on one data set: the candidates for its settings, and the runs of each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from fecbench.bench.trial_records import TrialRecords
from fecbench.bench.trial_sampler import Trial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from fecbench.bench.planned_run import PlannedRun
    from fecbench.bench.row_search import RowSearch


@dataclass(frozen=True)
class MatrixEntry:
    """A row of the table on one data set, for all candidates of its grid or search, all seeds and all folds.

    Attributes:
        row: the row's name.
        dataset: the data set's name.
        candidates: the settings to try, of a search those that are known so far; one empty candidate if none are tried.
        runs: the planned runs, by candidate (outer), seed and fold (inner).
        group: the number of the row's group; groups with lower numbers run first.
        search: the search that proposes further candidates; None without one.
    """

    row: str
    dataset: str
    candidates: tuple[Mapping[str, Any], ...]
    runs: tuple[tuple[PlannedRun, ...], ...]
    group: int = 1
    search: RowSearch | None = None

    @classmethod
    def of_search(cls, row: str, dataset: str, group: int, search: RowSearch) -> MatrixEntry:
        """Return the entry of a search with its first candidates."""
        empty = cls(row, dataset, (), (), group, search)
        return empty._with(search, search.first(TrialRecords()))

    @property
    def trials(self) -> int:
        """The number of candidates to try, with those that a search doesn't know yet."""
        return self.search.trials if self.search else len(self.runs)

    @property
    def examples(self) -> tuple[PlannedRun, ...]:
        """A run of each candidate, and of a search those at the ends of its ranges."""
        return (*(seeds[0] for seeds in self.runs), *(self.search.examples if self.search else ()))

    def rounds(
        self, score: Callable[[PlannedRun], float | None], records: TrialRecords | None = None
    ) -> Iterator[MatrixEntry]:
        """Yield the entry with its first candidates, then with one more after each round of a search.

        ``score`` is asked for the trials of a round when the next round is requested. A trial without a score counts as
        failed: the search learns nothing from it. Trials that ``records`` hold have the settings of their records.
        """
        search, known = self.search, records or TrialRecords()
        entry = self._with(search, search.first(known)) if search else self
        trials: tuple[Trial, ...] = ()
        yield entry
        while search and len(entry.runs) < search.trials:
            ended = zip(entry.candidates[len(trials) :], entry.runs[len(trials) :], strict=True)
            trials += tuple(Trial(tuple(settings.values()), score(seeds[0])) for settings, seeds in ended)
            entry = entry._with(search, (*entry.candidates, search.following(trials, known)))
            yield entry

    def _with(self, search: RowSearch, candidates: Iterable[Mapping[str, Any]]) -> MatrixEntry:
        """Return the entry with the candidates of its search."""
        tried = tuple(candidates)
        runs = tuple(search.planned(settings, number) for number, settings in enumerate(tried))
        return replace(self, candidates=tried, runs=runs)

    def grown(self, score: Callable[[PlannedRun], float | None], records: TrialRecords | None = None) -> MatrixEntry:
        """Return the entry with all candidates of its search."""
        *_, entry = self.rounds(score, records)
        return entry

    def first(self) -> tuple[PlannedRun, ...]:
        """Return the runs that can start at once: all, or each candidate with the first seed and fold."""
        return self.runs[0] if self.trials == 1 else tuple(seeds[0] for seeds in self.runs)

    def chosen(self, score: Callable[[PlannedRun], float | None]) -> int | None:
        """Return the number of the candidate with the best score on the first seed and fold; on ties the first one.

        ``score`` returns None for a run that isn't complete. None if no candidate has a score.
        """
        if self.trials == 1:
            return 0
        scores = {number: score(seeds[0]) for number, seeds in enumerate(self.runs)}
        found = {number: value for number, value in scores.items() if value is not None}
        return max(found, key=lambda number: (found[number], -number), default=None)

    def final(self, score: Callable[[PlannedRun], float | None]) -> tuple[PlannedRun, ...]:
        """Return the runs of the table: all seeds and folds of the chosen candidate. Empty until one is chosen."""
        chosen = self.chosen(score)
        return () if chosen is None else self.runs[chosen]
