"""Find the complete records of planned runs, among those that can be compared with each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fecbench.bench.trial_records import TrialRecords
from fecbench.runs.find import is_readable, newest_first

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fecbench.bench.planned_run import PlannedRun
    from fecbench.runs.record import Record


class Records:
    """The complete records among the given ones, without those on older rows of a data set.

    The rows of a data set's newest run count; runs on other rows can't be compared with it.
    """

    def __init__(self, records: Iterable[Record]):
        readable = filter(is_readable, newest_first(records))
        complete = [record for record in readable if record.status == "complete"]
        newest: dict[tuple[str, int | None], str] = {}
        for record in complete:
            newest.setdefault(_rows_of(record), record.run_file.dataset.version)
        self._found = [
            (record, record.run_file.objective.name, record.settings())
            for record in complete
            if record.run_file.dataset.version == newest[_rows_of(record)]
        ]
        self.trials = TrialRecords(record for record, _, _ in self._found)

    def of(self, planned: PlannedRun) -> Record | None:
        """Return the newest record with a run's objective and settings, of any code version; None if there is none."""
        # By settings, not by code: the board of committed records must outlive edits of the code (ADR 13).
        return next((record for record, name, settings in self._found if planned.is_of(name, settings)), None)


def _rows_of(record: Record) -> tuple[str, int | None]:
    """Return the data set of a run and its number of folds: another cut isn't another version of the rows."""
    return record.run_file.dataset.name, record.settings()["folds"]
