"""A planned run with its run directory, and the state that its record is in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fecbench.core.errors import RunError
from fecbench.runs import provenance
from fecbench.runs.identity import RowsAndCode
from fecbench.runs.record import RUN, Record

if TYPE_CHECKING:
    from pathlib import Path

    from fecbench.bench.planned_run import PlannedRun


LOGS = "logs"


@dataclass(frozen=True)
class BenchTask:
    """A planned run with its run directory, and the data and code version that its record must have.

    Attributes:
        planned: the planned run.
        record: the record in its run directory.
        content: the digests of data rows, labels and code.
    """

    planned: PlannedRun
    record: Record
    content: RowsAndCode

    @property
    def log(self) -> Path:
        """The file that holds the output of the run's process."""
        return self.record.folder.parent / LOGS / f"{self.record.id}.log"

    @property
    def status(self) -> str:
        """The record's status; ``stale`` if it is complete but of other rows, labels, code or settings."""
        now = self._record_now()
        status = now.status
        return "stale" if status == "complete" and not self._is_its_own(now) else status

    @property
    def is_stale(self) -> bool:
        """True if the directory holds another run, or an unfinished one of other package versions."""
        now = self._record_now()
        status = now.status
        if status == "running" or not (now.folder / RUN).exists():  # without run.json, `--resume` begins the run
            return False
        if not self._is_its_own(now):
            return True
        # An unfinished run can't be resumed under other versions; a complete one stays (note 3 in runs/identity.py).
        return status != "complete" and now.run_file.versions != provenance.package_versions()

    def _record_now(self) -> Record:
        """Return a fresh reading of the record: its folder can be set aside and run again meanwhile."""
        return Record(self.record.folder)

    def _is_its_own(self, record: Record) -> bool:
        """Return True if the record has the settings, rows, labels and code of the planned run."""
        try:
            run_file, settings = record.run_file, record.settings()
        except RunError:
            return False
        same = not self.content.difference(RowsAndCode.of(record.about))
        return same and self.planned.is_of(run_file.objective.name, settings)

    @property
    def reason(self) -> str:
        """The last line that the run's process printed; for a failed run it is the error message."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").split("\n") if self.log.exists() else []
        spoken = [line.removeprefix("fecbench: ") for line in lines if line.strip()]
        return spoken[-1] if spoken else "not started"
