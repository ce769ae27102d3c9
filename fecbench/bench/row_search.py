"""The search for a row's settings on one data set: which settings its trials have, and which runs they are."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fecbench.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fecbench.bench.planned_run import PlannedRun
    from fecbench.bench.trial_records import TrialRecords
    from fecbench.bench.trial_sampler import Trial, TrialSampler

    Settings = Mapping[str, Any]


@dataclass(frozen=True)
class RowSearch:
    """The search for a row's settings on one data set.

    A trial that was run has the settings of its record. The others are proposed: that of an interrupted search, or of a
    board, doesn't depend on the version of Optuna then.

    Attributes:
        sampler: proposes the settings of each trial.
        planned: plans the runs of a candidate with the number of its trial, by seed and fold.
        digest: identifies the search in the records of its trials.
        examples: runs with each choice and each end of the searched ranges; they are checked, not carried out.
    """

    sampler: TrialSampler
    planned: Callable[[Settings, int], tuple[PlannedRun, ...]]
    digest: str
    examples: tuple[PlannedRun, ...]

    @property
    def trials(self) -> int:
        """The number of trials."""
        return self.sampler.search.trials

    def first(self, records: TrialRecords) -> tuple[Settings, ...]:
        """Return the settings of the trials that need no scores of others, and so can start at once."""
        candidates: list[Settings] = []
        earlier: set[tuple[Any, ...]] = set()
        for number in range(self.sampler.search.at_once):
            known = self._recorded(number, records)
            candidates.append(known or self.sampler.named(self.sampler.at_random(number, earlier)))
            earlier.add(tuple(candidates[-1].values()))
        return tuple(candidates)

    def following(self, trials: tuple[Trial, ...], records: TrialRecords) -> Settings:
        """Return the settings of the trial that follows ``trials``."""
        return self._recorded(len(trials), records) or self.sampler.named(self.sampler.following(trials))

    def _recorded(self, number: int, records: TrialRecords) -> Settings | None:
        """Return the settings of the trial ``number`` in its newest record; None if it has none."""
        for objective, settings in records.of(self.digest, number):
            space = self.sampler.space
            candidate = {name: distribution.recorded(name, settings.get(name)) for name, distribution in space.items()}
            if None in candidate.values():
                continue
            # `is_of`, because rows and data sets of a spec can share their distributions
            with suppress(UsageError):  # anybody can have written the record
                if self.planned(candidate, number)[0].is_of(objective, settings):
                    return candidate
        return None
