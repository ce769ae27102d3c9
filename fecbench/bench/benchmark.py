"""Run a benchmark's matrix on this machine: load its data, locate its run directories and execute what is left."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import cache, partial
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from fecbench.bench.job import Job
from fecbench.bench.matrix import Matrix, MatrixEntry, PlannedRun, Selection, validation_score
from fecbench.bench.workers import Workers, execute
from fecbench.core.errors import FecbenchError, LabellingError, NeedsError, RunError
from fecbench.core.files import contained, writing
from fecbench.data.datasets.dataset import DatasetInfo, EmotionData
from fecbench.data.datasets.load import load_dataset
from fecbench.model.encoders.load import load_encoder
from fecbench.model.encoders.tiny import tiny_encoder_for
from fecbench.runs import provenance
from fecbench.runs.defaults import dataset_info
from fecbench.runs.further_metrics import further_metrics
from fecbench.runs.identity import RowsAndCode
from fecbench.runs.plan import plan
from fecbench.runs.provenance import plugins
from fecbench.runs.record import RUN, Record
from fecbench.runs.run_folder import free

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from fecbench.data.datasets.locations import DataLocations
    from fecbench.runs.plan import Plan


LOGS = "logs"
SMOKE_DATASETS = {"single": "demo", "multi": "demo-multi"}  # by the labelling of the real run's data
# Settings that a smoke test takes from the real run: they fit any data and any encoder.
KEPT = {
    "head",
    "pooling",
    "projection_dim",
    "optimizer",
    "lr",
    "schedule",
    "warmup",
    "weight_decay",
    "no_decay_norm_bias",
    "adam_eps",
    "clip",
    "packing",
    "order",
}
SMOKE = {"epochs": 1, "batch_size": 16, "limit": 16, "max_length": 64}
TRIED = 64  # texts that an encoder is tried on: `scratch` learns its vocabulary from them


@dataclass(frozen=True)
class BenchTask:
    """A planned run with its run directory, and the data rows and code version that its record must have.

    Attributes:
        planned: the planned run.
        record: the record in its run directory.
        content: the fingerprint of the data rows, and the code version.
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
        """The record's status; ``stale`` if it is complete but of other rows, code or settings."""
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
        """Return True if the record has the settings, rows and code of the planned run."""
        try:
            run_file, settings = record.run_file, record.settings()
        except RunError:
            return False
        same = RowsAndCode(run_file.dataset.fingerprint, run_file.code) == self.content
        return same and self.planned.is_of(run_file.objective.name, settings)

    @property
    def reason(self) -> str:
        """The last line that the run's process printed; for a failed run it is the error message."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").split("\n") if self.log.exists() else []
        spoken = [line.removeprefix("fecbench: ") for line in lines if line.strip()]
        return spoken[-1] if spoken else "not started"


@dataclass(frozen=True)
class Benchmark:
    """A matrix with its loaded data and the folder of its run directories.

    Attributes:
        matrix: the planned runs. With ``objectives = "*"`` it has no row whose needs a data set doesn't meet.
        root: the folder that holds the run directories.
        locations: the folders and caches to look for data sets in.
        data: the loaded data sets by name and fold, without those that weren't found.
        missing: the errors that keep a row from starting, by the names of row and data set.
        done: complete records in other folders that count as this benchmark's runs, by folder name.
    """

    matrix: Matrix
    root: Path
    locations: DataLocations
    data: Mapping[tuple[str, int], EmotionData]
    missing: Mapping[tuple[str, str], list[FecbenchError]] = field(default_factory=dict)
    done: Mapping[str, Record] = field(default_factory=dict)

    @classmethod
    def prepare(
        cls, matrix: Matrix, root: Path, locations: DataLocations, done: Mapping[str, Record] | None = None
    ) -> Benchmark:
        """Load the data and try the encoders; raise the first error, before any run starts.

        Raises:
            DataNotFound, DataError, EncoderError: a data set or an encoder is missing or broken.
            FecbenchError: a search needs Optuna, which isn't installed.
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
        """Load the data and try the encoders; collect the errors in ``missing`` instead of raising them.

        Raises:
            FecbenchError: a search needs Optuna, which isn't installed.
        """
        for entry in matrix.entries:
            if entry.search:
                entry.search.sampler.check()
        machine, left_out, kept, missing = _Machine(locations, matrix.spec.metrics), dict(matrix.left_out), [], {}
        for entry in matrix.entries:
            faults = machine.faults(entry)
            unfit = [fault for fault in faults if isinstance(fault, NeedsError | LabellingError)]
            if unfit and matrix.spec.objectives == "*":
                left_out[f"{entry.row} on {entry.dataset}"] = str(unfit[0])
                continue
            if faults:
                missing[entry.row, entry.dataset] = faults
            kept.append(entry)
        return cls(
            replace(matrix, entries=tuple(kept), left_out=left_out), root, locations, machine.data, missing, done or {}
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
        tried = [grown for grown in map(self._grown, entries) if len(grown.runs) == grown.trials]
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
        _set_aside(task for task in self.all_tasks() if task.record.folder.exists() and task.status != "running")

    def _grown(self, entry: MatrixEntry) -> MatrixEntry:
        """Return an entry with the candidates that are known so far."""
        *_, grown = self._rounds(entry)
        return grown

    def _rounds(self, entry: MatrixEntry) -> Iterator[MatrixEntry]:
        """Yield an entry after each round of its search, up to a round with a trial that hasn't ended."""
        seen = 0
        for grown in entry.rounds(self._score):
            yield grown
            if len(grown.runs) < grown.trials and any(self._is_open(seeds[0]) for seeds in grown.runs[seen:]):
                return
            seen = len(grown.runs)

    def _is_open(self, planned: PlannedRun) -> bool:
        """Return True if a run neither completed nor failed."""
        return planned.rows not in self.data or self._task(planned).status not in ("complete", "failed")

    def _execute(self, tasks: Iterable[BenchTask], workers: Workers) -> None:
        with writing(self.root, "free space or choose another --root"):
            contained(self.root / LOGS, self.root).mkdir(parents=True, exist_ok=True)
        left = [task for task in tasks if task.status != "complete"]
        _set_aside(task for task in left if task.is_stale)  # `fecbench run --resume` refuses the folder of another run
        if left:  # a cluster takes seconds to start
            execute([self._job(task, workers) for task in left], workers)

    def _tasks(self, runs: Iterable[PlannedRun]) -> list[BenchTask]:
        # By folder, because rows that plan the same run share its directory.
        return list({task.record.folder: task for task in map(self._task, runs)}.values())

    def _task(self, planned: PlannedRun) -> BenchTask:
        """Return the task of a planned run. Its run directory is named by settings, data rows and code."""
        settings = planned.plan.settings
        content = RowsAndCode(
            self.data[planned.rows].fingerprint, _code(planned.plan.name, settings.head, settings.encoder)
        )
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
        # Rows or code can be edited before a worker starts the run; its directory's name would then be wrong.
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


def smoke(matrix: Matrix) -> Matrix:
    """Return the matrix for a smoke test: each row's options, one step on ``demo``, a tiny encoder of its family."""

    def smallest(entry: MatrixEntry) -> MatrixEntry:
        last = None if entry.search is None else 1  # the trials of a search differ in numbers that need no test each
        runs = tuple((replace(seeds[0], plan=_smallest(seeds[0].plan)),) for seeds in entry.runs[:last])
        return replace(entry, candidates=entry.candidates[:last], runs=runs, search=None)

    # Without further metrics, whose labels the demo data lack.
    spec = matrix.spec.model_copy(update={"metrics": []})
    return replace(matrix, spec=spec, entries=tuple(map(smallest, matrix.entries)))


def _smallest(real: Plan) -> Plan:
    """Return a one-step plan with the options and model settings of ``real`` and a tiny encoder."""
    kept = real.settings.model_dump(include=KEPT)
    asked = {
        **real.options.model_dump(),
        **kept,
        **SMOKE,
        "encoder": tiny_encoder_for(real.settings.encoder),
        **real.objective.rehearsal,
    }
    return plan(real.name, {"dataset": _smoke_dataset(real), "seed": real.settings.seed}, asked)


def _smoke_dataset(real: Plan) -> str:
    """Return the demo data with as many labels a text as the data of ``real``, or as its objective takes."""
    info = dataset_info(real.settings.dataset)  # None for one's own data, which isn't loaded yet
    labellings = (info.labelling,) if isinstance(info, DatasetInfo) else real.objective.labellings
    return SMOKE_DATASETS["single" if "single" in labellings else "multi"]


def _set_aside(tasks: Iterable[BenchTask]) -> None:
    for task in tasks:
        with suppress(FileNotFoundError):  # another bench renamed it first
            # `free` adds a number if the name is taken: two benches can do this in one second.
            task.record.folder.rename(
                free(task.record.folder.with_name(f"{task.record.id}.until-{datetime.now():%Y%m%d-%H%M%S}"))
            )


@cache
def _code(name: str, head: str, encoder: str) -> str:
    """Return the code version of a run. Cached: the sources of a running process don't change."""
    return provenance.code_digest(provenance.source_digests(*plugins(name, head, encoder)))


class _Machine:
    """Loads each data set and tries each encoder of a matrix once, and remembers the outcomes."""

    def __init__(self, locations: DataLocations, metrics: Sequence[str]):
        self.locations, self.metrics = locations, metrics
        self._known: dict[tuple[str, Any], object] = {}

    @property
    def data(self) -> dict[tuple[str, int], EmotionData]:
        """The data sets that could be loaded, by name and fold."""
        return {rows: found for (_, rows), found in self._known.items() if isinstance(found, EmotionData)}

    def faults(self, entry: MatrixEntry) -> list[FecbenchError]:
        """Return the errors that keep a row from starting on its data set: of data, requirements or encoder."""
        found: dict[str, FecbenchError] = {}
        of_rows = {planned.rows: planned for runs in entry.runs for planned in runs}
        # Everything is tried, so that a plan names all that a row lacks.
        work = [partial(self._load, planned) for planned in of_rows.values()]
        for planned in entry.examples:
            work += [partial(self._fits, planned), partial(self._try, planned)]
        for step in work:
            try:
                step()
            except FecbenchError as fault:
                found[str(fault)] = fault  # by message, because folds and candidates share their faults
        return list(found.values())

    def _load(self, planned: PlannedRun) -> None:
        self._once("data set", planned.rows, partial(load_dataset, planned.plan.settings, self.locations))

    def _fits(self, planned: PlannedRun) -> None:
        settings, data = planned.plan.settings, self.data.get(planned.rows)
        if data is not None:
            planned.plan.check_labelling(data.info)
            planned.plan.needs.check(data, settings.batch_size, settings.limit, planned.plan.who)
            further_metrics(data, self.metrics)

    def _try(self, planned: PlannedRun) -> None:
        data, encoder = self.data.get(planned.rows), planned.plan.settings.encoder
        # Without the data, any text shows whether the encoder can be loaded.
        texts = data.splits["train"][:TRIED]["text"] if data is not None else ["a text"]
        self._once("encoder", encoder, partial(load_encoder, encoder, texts))

    def _once(self, kind: str, name: object, work: Callable[[], object]) -> None:
        """Call ``work`` the first time only; later calls return its result or raise its error again."""
        if (kind, name) not in self._known:
            try:
                self._known[kind, name] = work()
            except FecbenchError as fault:
                self._known[kind, name] = fault
        if isinstance(outcome := self._known[kind, name], FecbenchError):
            raise outcome
