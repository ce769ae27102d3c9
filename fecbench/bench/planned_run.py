"""One planned run of a benchmark: its row, its plan, and the name of its run directory."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fecbench.core.options import argument
from fecbench.runs.identity import run_key, same_settings
from fecbench.runs.local_paths import last_name
from fecbench.runs.plan import FLAG

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fecbench.runs.plan import Plan
    from fecbench.runs.schema import RecordedTrial


LONGEST = 80  # characters of objective and data set in a directory's name: file systems limit the length of names


@dataclass(frozen=True)
class PlannedRun:
    """One run of a matrix: a row of the table on one data set with one seed, and on one fold of a cross-validation.

    Attributes:
        row: the row's name.
        plan: the run's objective and settings.
        trial: the trial of a search that the run is; None for any other run.
    """

    row: str
    plan: Plan
    trial: RecordedTrial | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """Every resolved setting's value, as in a record's ``settings()``."""
        return {key: setting.value for key, setting in self.plan.origins.items()}

    @property
    def rows(self) -> tuple[str, int, str]:
        """Data set, fold and choice of label texts: runs that share these share their rows and labels."""
        settings = self.plan.settings
        return settings.dataset, settings.fold, settings.label_texts

    def is_of(self, name: str, settings: Mapping[str, Any]) -> bool:
        """Return True if a record of objective ``name`` with ``settings`` is this run, on any device.

        Settings that didn't exist yet when the record was written count as their defaults.
        """
        return name == self.plan.name and same_settings(self.plan.origins, settings)

    @property
    def asked(self) -> dict[str, Any]:
        """The settings that the spec gives, without data set and seed."""
        return {key: setting.value for key, setting in self.plan.origins.items() if setting.origin == "spec"}

    @property
    def flags(self) -> list[str]:
        """The settings that flags give, without data set and seed, as arguments of the command line."""
        given = {key: setting.value for key, setting in self.plan.origins.items() if setting.origin == FLAG}
        return [argument(key, value) for key, value in given.items() if key not in ("dataset", "seed")]

    def key(self, fingerprint: str, code: str) -> str:
        """Return the digest of objective, settings, data rows and code version; equal for equal runs."""
        return run_key(self.plan.name, self.settings, fingerprint, code)

    def name(self, key: str) -> str:
        """Return the name of the run directory. Rows that plan the same run share the directory."""
        # Objective, data set and seed are for the reader; the key alone makes the name unique.
        what = re.sub(r"[^\w.-]+", "-", f"{self.plan.name}-{last_name(self.plan.settings.dataset)}")[:LONGEST].strip(
            "-."
        )
        settings = self.plan.settings
        fold = "" if settings.folds is None else f"-f{settings.fold}"
        return f"{what}-s{settings.seed}{fold}-{key[:10]}"
