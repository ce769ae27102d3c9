"""Run a benchmark's matrix on this machine: load its data, name its run directories, execute the remaining runs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from functools import cache, cached_property
from itertools import zip_longest
from typing import TYPE_CHECKING

from fecbench.bench.bench_task import LOGS, BenchTask
from fecbench.bench.job import Job
from fecbench.bench.row_checks import RowChecks
from fecbench.bench.trial_records import TrialRecords
from fecbench.bench.validation_score import validation_score
from fecbench.bench.workers import Workers, execute
from fecbench.core.errors import LabellingError, NeedsError
from fecbench.core.files import contained, writing
from fecbench.runs import provenance
from fecbench.runs.find import is_readable, records_under
from fecbench.runs.identity import RowsAndCode, labels_digest
from fecbench.runs.provenance import plugins
from fecbench.runs.record import Record
from fecbench.runs.run_folder import set_aside

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from fecbench.bench.matrix import Matrix
    from fecbench.bench.matrix_entry import MatrixEntry
    from fecbench.bench.planned_run import PlannedRun
    from fecbench.bench.selection import Selection
    from fecbench.core.errors import FecbenchError
    from fecbench.data.datasets.dataset import EmotionData
    from fecbench.data.datasets.locations import DataLocations


@dataclass(frozen=True)
class Benchmark:
    """A matrix with its loaded data and the folder of its run directories.

    Attributes:
        matrix: the planned runs. With ``objectives = "*"`` it has no row whose needs a data set doesn't meet.
        root: the folder that holds the run directories.
        locations: the folders and caches to look for data sets in.
        data: the loaded data sets by :attr:`PlannedRun.rows`, without those that weren't found.
        missing: the errors that keep a row from starting, by the names of row and data set.
        done: complete records in other folders that count as this benchmark's runs, by folder name.
    """

    matrix: Matrix
    root: Path
    locations: DataLocations
    data: Mapping[tuple[str, int, str], EmotionData]
    missing: Mapping[tuple[str, str], list[FecbenchError]] = field(default_factory=dict)
    done: Mapping[str, Record] = field(default_factory=dict)

    @classmethod
    def prepare(
        cls, matrix: Matrix, root: Path, locations: DataLocations, done: Mapping[str, Record] | None = None
    ) -> Benchmark:
        """Load the data and try the encoders; raise the first error, before any run starts.

        Raises:
            DataNotFound, DataError, EncoderError: a data set or an encoder is missing or broken.
            NeedsError, LabellingError: a data set lacks what a row of the spec needs, or its labels aren't what the row
                takes. A row of ``"*"`` is left out instead.
        """
        found = cls.survey(matrix, root, locations, done)
        for faults in found.missing.values():
            raise faults[0]
        return found

    @classmethod
    def survey(
        cls, matrix: Matrix, root: Path, locations: DataLocations, done: Mapping[str, Record] | None = None
    ) -> Benchmark:
        """Load the data and try the encoders; collect the errors in ``missing`` instead of raising them."""
        checks, left_out, kept, missing = RowChecks(locations, matrix.spec.metrics), dict(matrix.left_out), [], {}
        for entry in matrix.entries:
            faults = checks.faults(entry)
            unfit = [fault for fault in faults if isinstance(fault, NeedsError | LabellingError)]
            if unfit and matrix.spec.objectives == "*":
                left_out[f"{entry.row} on {entry.dataset}"] = str(unfit[0])
                continue
            if faults:
                missing[entry.row, entry.dataset] = faults
            kept.append(entry)
        return cls(
            replace(matrix, entries=tuple(kept), left_out=left_out), root, locations, checks.data, missing, done or {}
        )

    def check_consent(self) -> None:
        """Raise FecbenchError if a run needs the user's consent and doesn't have it, as the run itself would."""
        for entry in self.matrix.entries:
            for planned in entry.examples:  # the seeds of a candidate differ in nothing that needs consent
                planned.plan.check_consent()

    def carry_out(self, workers: Workers) -> None:
        """Execute the groups of rows in order: trials and rows without any first, then the chosen settings.

        The searches of a group take turns: each starts its next trial when the last ones of all have ended. Complete
        runs aren't repeated. Interrupted runs are continued.
        """
        for entries in self.matrix.groups():
            tried: set[Path] = set()  # a run that failed isn't started twice
            # `_rounds` must be read one by one: the trials that have just ended propose those of the next round.
            for entries_now in zip_longest(*map(self._rounds, entries)):
                tasks = self.first(entry for entry in entries_now if entry is not None)
                self._execute((task for task in tasks if task.record.folder not in tried), workers)
                tried |= {task.record.folder for task in tasks}
            # `final` must be called only now: the trials that have just ended choose the settings of these runs.
            self._execute((task for task in self.final(entries) if task.record.folder not in tried), workers)

    def first(self, entries: Iterable[MatrixEntry]) -> list[BenchTask]:
        """Return the runs of ``entries`` that can start at once."""
        return self._tasks(_seed_by_seed(planned for entry in entries for planned in entry.first()))

    def final(self, entries: Iterable[MatrixEntry]) -> list[BenchTask]:
        """Return the runs of ``entries`` that are in the table, for the rows whose settings are chosen."""
        tried = [grown for grown in map(self._grown, entries) if self._has_ended(grown)]
        return self._tasks(_seed_by_seed(planned for grown in tried for planned in grown.final(self._score)))

    def all_tasks(self) -> list[BenchTask]:
        """Return the trials that are known so far, and the table's runs as far as their settings are chosen."""
        grown = map(self._grown, self.matrix.entries)
        return self._tasks(planned for entry in grown for planned in (*entry.first(), *entry.final(self._score)))

    def of(self, entry: MatrixEntry) -> list[BenchTask]:
        """Return the tasks of one row on one data set, as far as its settings are chosen."""
        grown = self._grown(entry)
        return self._tasks((*grown.first(), *grown.final(self._score)))

    def undecided(self, entry: MatrixEntry) -> int:
        """Return the number of runs that wait for the row's trials: further trials and other seeds."""
        grown = self._grown(entry)
        seeds = len(entry.runs[0]) - 1 if grown.chosen(self._score) is None else 0
        return seeds + grown.trials - len(grown.runs)

    def selection(self) -> Selection:
        """Return the runs behind the table."""
        return replace(self.matrix, entries=tuple(map(self._grown, self.matrix.entries))).select(self._score)

    def set_aside(self) -> None:
        """Rename all run directories, so that every run starts anew. No file is deleted; running runs stay."""
        for task in self.all_tasks():
            if task.record.folder.exists() and task.status != "running":
                set_aside(task.record.folder)

    def _grown(self, entry: MatrixEntry) -> MatrixEntry:
        """Return an entry with the candidates that are known so far."""
        *_, grown = self._rounds(entry)
        return grown

    def _rounds(self, entry: MatrixEntry) -> Iterator[MatrixEntry]:
        """Yield an entry after each round of its search, up to a round with a trial that hasn't ended."""
        seen = 0
        for grown in entry.rounds(self._score, self._recorded_trials):
            yield grown
            if len(grown.runs) < grown.trials and any(self._is_open(seeds[0]) for seeds in grown.runs[seen:]):
                return
            seen = len(grown.runs)

    @cached_property
    def _recorded_trials(self) -> TrialRecords:
        """The trials of earlier benches on the same rows and code: a search continues to their settings."""
        tried = [planned for entry in self.matrix.entries if entry.search for planned in entry.search.examples]
        contents = {self._task(planned).content for planned in tried if planned.rows in self.data}
        if not contents:
            return TrialRecords()
        records = filter(is_readable, (*records_under(self.root), *self.done.values()))
        return TrialRecords(
            record
            for record in records
            if not all(content.difference(RowsAndCode.of(record.about)) for content in contents)
        )

    def _has_ended(self, grown: MatrixEntry) -> bool:
        """Return True if all trials of an entry completed or failed."""
        if grown.trials == 1:
            return True
        return len(grown.runs) == grown.trials and not any(self._is_open(seeds[0]) for seeds in grown.runs)

    def _is_open(self, planned: PlannedRun) -> bool:
        """Return True if a run neither completed nor failed."""
        return planned.rows not in self.data or self._task(planned).status not in ("complete", "failed")

    def _execute(self, tasks: Iterable[BenchTask], workers: Workers) -> None:
        with writing(self.root, "free space or choose another --root"):
            contained(self.root / LOGS, self.root).mkdir(parents=True, exist_ok=True)
        left = [task for task in tasks if task.status != "complete"]
        for task in left:
            if task.is_stale:  # `fecbench run --resume` refuses the folder of another run
                set_aside(task.record.folder)
        if left:  # a cluster takes seconds to start
            execute([self._job(task, workers) for task in left], workers)

    def _tasks(self, runs: Iterable[PlannedRun]) -> list[BenchTask]:
        # By folder, because rows that plan the same run share its directory.
        return list({task.record.folder: task for task in map(self._task, runs)}.values())

    def _task(self, planned: PlannedRun) -> BenchTask:
        """Return the task of a planned run. Its run directory is named by settings, data rows and code."""
        settings = planned.plan.settings
        data, code = self.data[planned.rows], _code(planned.plan.name, settings.head, settings.encoder)
        content = RowsAndCode(data.fingerprint, code, labels_digest(data.labels, data.label_texts))
        name = planned.name(planned.key(content.rows, content.code))
        own = BenchTask(planned, Record(self.root / name), content)
        elsewhere = BenchTask(planned, self.done[name], content) if name in self.done else own
        return elsewhere if own.status != "complete" and elsewhere.status == "complete" else own

    def _score(self, planned: PlannedRun) -> float | None:
        if planned.rows not in self.data:
            return None
        task = self._task(planned)
        return validation_score(task.record) if task.status == "complete" else None

    def _job(self, task: BenchTask, workers: Workers) -> Job:
        """Return the job of a task: a ``fecbench run`` command that a user could type as well."""
        settings, folder = task.planned.plan.settings, str(task.record.folder.resolve())
        arguments = ["run", task.planned.plan.name, "--dataset", settings.dataset, "--seed", str(settings.seed)]
        arguments += task.planned.flags
        arguments += ["--run-dir", folder, "--resume", "--settings", json.dumps(task.planned.asked)]
        # Rows, labels or code can be edited before a worker starts the run; its directory's name would then be wrong.
        arguments += ["--expected", json.dumps(asdict(task.content))]
        if task.planned.trial:
            arguments += ["--trial", task.planned.trial.model_dump_json()]
        for metric in self.matrix.spec.metrics:
            arguments += ["--metric", metric]
        if self.locations.data_dir:
            arguments += ["--data-dir", str(self.locations.data_dir.resolve())]
        # Absolute, because a worker of a cluster can have another working directory. `absolute` instead of `resolve`
        # keeps a link in the log's place visible, so that it is refused.
        return Job(
            tuple(arguments), folder, str(task.log.absolute()), workers.devices, workers.per_device, workers.threads
        )


def _seed_by_seed(runs: Iterable[PlannedRun]) -> list[PlannedRun]:
    """Order runs by data set, seed and fold: all rows of a data set get their first seed before any second one."""
    given = list(runs)
    datasets = list(dict.fromkeys(planned.plan.settings.dataset for planned in given))

    def place(planned: PlannedRun) -> tuple[int, int, int]:
        settings = planned.plan.settings
        return datasets.index(settings.dataset), settings.seed, settings.fold

    return sorted(given, key=place)


@cache
def _code(name: str, head: str, encoder: str) -> str:
    """Return the code version of a run. Cached: the sources of a running process don't change."""
    return provenance.code_digest(provenance.source_digests(*plugins(name, head, encoder)))
