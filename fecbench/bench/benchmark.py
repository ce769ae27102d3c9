"""A spec's matrix on this machine: its data, its run directories, and what remains to be done there."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import cache, partial
from typing import TYPE_CHECKING

from fecbench.bench.job import Job
from fecbench.bench.matrix import Matrix, MatrixEntry, PlannedRun, Selection, validation_score
from fecbench.bench.workers import Workers, execute
from fecbench.core.errors import FecbenchError, NeedsError, RunError
from fecbench.core.files import contained, writing
from fecbench.data.datasets.dataset import EmotionData
from fecbench.data.datasets.load import load_dataset
from fecbench.model.encoders.load import load_encoder
from fecbench.model.encoders.tiny import stand_in
from fecbench.runs import provenance
from fecbench.runs.plan import plan
from fecbench.runs.provenance import Content, plugins
from fecbench.runs.record import RUN, Record, free

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from fecbench.core.settings import RunSettings
    from fecbench.data.datasets.locations import DataLocations
    from fecbench.runs.plan import Plan


LOGS = "logs"
STAGE = "demo"
KEPT = {"head", "pooling", "projection_dim", "lr", "weight_decay", "adam_eps", "warmup", "clip", "packing", "order"}
SMOKE = {"epochs": 1, "batch_size": 16, "limit": 16, "max_length": 64}
TRIED = 64  # texts on which an encoder is tried: enough for one that learns its vocabulary


@dataclass(frozen=True)
class BenchTask:
    """A cell, its run directory, and the rows and code that it is to be run on."""

    cell: PlannedRun
    record: Record
    content: Content

    @property
    def log(self) -> Path:
        """What its process printed."""
        return self.record.folder.parent / LOGS / f"{self.record.id}.log"

    @property
    def status(self) -> str:
        """Return the status of its directory; ``stale`` if that is complete, but a run of other rows, code or settings."""
        now = self._record_now()
        status = now.status
        return "stale" if status == "complete" and not self._is_its_own(now) else status

    @property
    def is_stale(self) -> bool:
        """Return True if its directory holds another run, or one broken off under other package versions."""
        now = self._record_now()
        status = now.status
        if status == "running" or not (now.folder / RUN).exists():
            return False
        if not self._is_its_own(now):
            return True
        return status != "complete" and now.run_file.versions != provenance.package_versions()

    def _record_now(self) -> Record:
        """Return the record as it is now: its folder can be set aside and run again meanwhile."""
        return Record(self.record.folder)

    def _is_its_own(self, record: Record) -> bool:
        """Return True if the record is of this cell, as its directory's name says."""
        try:
            run_file, settings = record.run_file, record.settings()
        except RunError:
            return False
        same = Content(run_file.dataset.fingerprint, run_file.code) == self.content
        return same and self.cell.is_of(run_file.objective.name, settings)

    @property
    def reason(self) -> str:
        """Why it isn't complete, in its process's last words."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").split("\n") if self.log.exists() else []
        spoken = [line.removeprefix("fecbench: ") for line in lines if line.strip()]
        return spoken[-1] if spoken else "it hasn't been started"


@dataclass(frozen=True)
class Benchmark:
    """A matrix with its data, under a folder for its runs.

    Attributes:
        matrix: what can run.
        root: the folder of the runs.
        places: where data is looked for.
        data: the data sets by name, loaded; those that can't be had aren't there.
        missing: why rows can't start, by the names of row and data set.
        done: complete records kept elsewhere, by the names of their folders, that count as this benchmark's runs.
    """

    matrix: Matrix
    root: Path
    places: DataLocations
    data: Mapping[str, EmotionData]
    missing: Mapping[tuple[str, str], list[FecbenchError]] = field(default_factory=dict)
    done: Mapping[str, Record] = field(default_factory=dict)

    @classmethod
    def prepare(
        cls, matrix: Matrix, root: Path, places: DataLocations, done: Mapping[str, Record] | None = None
    ) -> Benchmark:
        """The benchmark, its data loaded and its encoders tried, so that what is missing is said before anything starts.

        Raises:
            DataNotFound, DataError, EncoderError: a data set or an encoder can't be had.
            NeedsError: a row that the spec names can't run on a data set of it (one of ``"*"`` is left out there).
        """
        found = cls.survey(matrix, root, places, done)
        for faults in found.missing.values():
            raise faults[0]
        return found

    @classmethod
    def survey(
        cls, matrix: Matrix, root: Path, places: DataLocations, done: Mapping[str, Record] | None = None
    ) -> Benchmark:
        """The same, whatever is missing: ``missing`` tells which rows can't start here."""
        machine, left_out, kept, missing = _Machine(places), dict(matrix.left_out), [], {}
        for entry in matrix.entries:
            faults = machine.faults(entry)
            unfit = [fault for fault in faults if isinstance(fault, NeedsError)]
            if unfit and matrix.spec.objectives == "*":
                left_out[f"{entry.row} on {entry.dataset}"] = str(unfit[0])
                continue
            if faults:
                missing[entry.row, entry.dataset] = faults
            kept.append(entry)
        return cls(
            replace(matrix, entries=tuple(kept), left_out=left_out), root, places, machine.data, missing, done or {}
        )

    def check_consent(self) -> None:
        """Check that the user agrees to what the spec asks of each run. Raises FecbenchError, as the run itself would, if not."""
        for entry in self.matrix.entries:
            for cells in entry.cells:
                cells[0].plan.check_consent()

    def carry_out(self, workers: Workers) -> None:
        """Run each group of rows: all trials and what needs none, then what the trials chose, seed by seed.

        Complete runs aren't repeated, and those broken off are continued.
        """
        for entries in self.matrix.groups():
            first = self.first(entries)
            self._execute(first, workers)
            tried = {task.record.folder for task in first}  # what failed isn't tried twice
            self._execute((task for task in self.final(entries) if task.record.folder not in tried), workers)

    def first(self, entries: Iterable[MatrixEntry]) -> list[BenchTask]:
        """Return the runs of ``entries`` that can start at once."""
        return self._tasks(_seed_by_seed(cell for entry in entries for cell in entry.first()))

    def final(self, entries: Iterable[MatrixEntry]) -> list[BenchTask]:
        """Return the runs of ``entries`` that stand in the table, as far as they are chosen."""
        return self._tasks(_seed_by_seed(cell for entry in entries for cell in entry.final(self._score)))

    def everything(self) -> list[BenchTask]:
        """All runs that are known now: trials and the table's."""
        return self._tasks(
            cell for entry in self.matrix.entries for cell in (*entry.first(), *entry.final(self._score))
        )

    def of(self, entry: MatrixEntry) -> list[BenchTask]:
        """The runs of one row on one data set that are known now."""
        return self._tasks((*entry.first(), *entry.final(self._score)))

    def undecided(self, entry: MatrixEntry) -> int:
        """How many runs of a row on a data set wait until its trials have chosen."""
        return len(entry.cells[0]) - 1 if entry.chosen(self._score) is None else 0

    def selection(self) -> Selection:
        """The runs behind the table."""
        return self.matrix.select(self._score)

    def set_aside(self) -> None:
        """Put the run directories that there are out of the way, so that all is run again; they keep what they hold."""
        _set_aside(task for task in self.everything() if task.record.folder.exists() and task.status != "running")

    def _execute(self, tasks: Iterable[BenchTask], workers: Workers) -> None:
        with writing(self.root, "free space or choose another --root"):
            contained(self.root / LOGS, self.root).mkdir(parents=True, exist_ok=True)
        left = [task for task in tasks if task.status != "complete"]
        _set_aside(task for task in left if task.is_stale)
        execute([self._job(task, workers) for task in left], workers)

    def _tasks(self, cells: Iterable[PlannedRun]) -> list[BenchTask]:
        return list({task.record.folder: task for task in map(self._task, cells)}.values())

    def _task(self, cell: PlannedRun) -> BenchTask:
        """A cell with its run directory: the same for the same settings, rows and code, and for nothing else."""
        settings = cell.plan.settings
        content = Content(
            self.data[settings.dataset].fingerprint, _code(cell.plan.name, settings.head, settings.encoder)
        )
        name = cell.name(cell.key(content.rows, content.code))
        own = BenchTask(cell, Record(self.root / name), content)
        elsewhere = BenchTask(cell, self.done[name], content) if name in self.done else own
        return elsewhere if own.status != "complete" and elsewhere.status == "complete" else own

    def _score(self, cell: PlannedRun) -> float | None:
        if cell.plan.settings.dataset not in self.data:
            return None
        task = self._task(cell)
        return validation_score(task.record) if task.status == "complete" else None

    def _job(self, task: BenchTask, workers: Workers) -> Job:
        """The command of a run, which a person can repeat."""
        settings, folder = task.cell.plan.settings, str(task.record.folder.resolve())
        arguments = ["run", task.cell.plan.name, "--dataset", settings.dataset, "--seed", str(settings.seed)]
        arguments += ["--run-dir", folder, "--resume", "--settings", json.dumps(task.cell.asked)]
        arguments += ["--expected", json.dumps(asdict(task.content))]
        if self.places.data_dir:
            arguments += ["--data-dir", str(self.places.data_dir.resolve())]
        return Job(
            tuple(arguments), folder, str(task.log.absolute()), workers.devices, workers.per_device, workers.threads
        )


def _seed_by_seed(cells: Iterable[PlannedRun]) -> list[PlannedRun]:
    """Order cells by data set as they come, then by seed, so that a data set's rows are complete for one seed before the next."""
    given = list(cells)
    datasets = list(dict.fromkeys(cell.plan.settings.dataset for cell in given))
    return sorted(given, key=lambda cell: (datasets.index(cell.plan.settings.dataset), cell.plan.settings.seed))


def smoke(matrix: Matrix) -> Matrix:
    """The same matrix at its smallest: every row with its own options, one step on the demo data, tiny encoders of the right family."""

    def smallest(entry: MatrixEntry) -> MatrixEntry:
        return replace(entry, cells=tuple((replace(seeds[0], plan=_smallest(seeds[0].plan)),) for seeds in entry.cells))

    return replace(matrix, entries=tuple(map(smallest, matrix.entries)))


def _smallest(real: Plan) -> Plan:
    """A plan's own options and model in one step of a tiny encoder."""
    kept = real.settings.model_dump(include=KEPT)
    asked = {
        **real.options.model_dump(),
        **kept,
        **SMOKE,
        "encoder": stand_in(real.settings.encoder),
        **real.objective.rehearsal,
    }
    return plan(real.name, {"dataset": STAGE, "seed": real.settings.seed}, asked)


def _set_aside(tasks: Iterable[BenchTask]) -> None:
    for task in tasks:
        with suppress(FileNotFoundError):  # another bench was faster
            task.record.folder.rename(
                free(task.record.folder.with_name(f"{task.record.id}.until-{datetime.now():%Y%m%d-%H%M%S}"))
            )


@cache
def _code(name: str, head: str, encoder: str) -> str:
    """The code version of a run; a process's sources don't change under it."""
    return provenance.code_version(*plugins(name, head, encoder))


class _Machine:
    """Loads each data set of a matrix, and tries each encoder, once."""

    def __init__(self, places: DataLocations):
        self.places = places
        self._known: dict[tuple[str, str], object] = {}

    @property
    def data(self) -> dict[str, EmotionData]:
        """The data sets that are here, by name."""
        return {name: found for (_, name), found in self._known.items() if isinstance(found, EmotionData)}

    def faults(self, entry: MatrixEntry) -> list[FecbenchError]:
        """Why a row can't start on its data set: data, needs, encoder; empty where it can."""
        found: dict[str, FecbenchError] = {}
        for cell, *_ in entry.cells:
            settings = cell.plan.settings
            for work in (partial(self._load, settings), partial(self._fits, cell), partial(self._try, settings)):
                try:
                    work()
                except FecbenchError as fault:
                    found[str(fault)] = fault
        return list(found.values())

    def _load(self, settings: RunSettings) -> None:
        self._once("data set", settings.dataset, partial(load_dataset, settings, self.places))

    def _fits(self, cell: PlannedRun) -> None:
        settings, data = cell.plan.settings, self.data.get(cell.plan.settings.dataset)
        if data is not None:
            cell.plan.needs.check(data, settings.batch_size, settings.limit, cell.plan.who)

    def _try(self, settings: RunSettings) -> None:
        data = self.data.get(settings.dataset)
        texts = data.splits["train"][:TRIED]["text"] if data is not None else ["a text"]
        self._once("encoder", settings.encoder, partial(load_encoder, settings.encoder, texts))

    def _once(self, kind: str, name: str, work: Callable[[], object]) -> None:
        """Do ``work`` the first time; what came of it, a result or a fault, comes again each time."""
        if (kind, name) not in self._known:
            try:
                self._known[kind, name] = work()
            except FecbenchError as fault:
                self._known[kind, name] = fault
        if isinstance(outcome := self._known[kind, name], FecbenchError):
            raise outcome
