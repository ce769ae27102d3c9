"""Carry out a run: load data, build the model, train, test, and write the record."""

from __future__ import annotations

import time
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from accelerate.utils import broadcast_object_list, set_seed

from fecbench.core import hooks
from fecbench.core.errors import ProtocolError
from fecbench.core.hooks import Observers, RunInfo
from fecbench.core.plugin_errors import plugin_errors
from fecbench.data.batch import stream_seed
from fecbench.data.batches import TrainingBatches
from fecbench.data.datasets.load import load_dataset
from fecbench.model.model import precompute
from fecbench.runs import provenance
from fecbench.runs.build import build, stage_of, streams_of
from fecbench.runs.describe_run import describe_run
from fecbench.runs.digests import run_digest
from fecbench.runs.final_evaluation import FinalEvaluation
from fecbench.runs.further_metrics import further_metrics
from fecbench.runs.observers import Failure, History, Trackers
from fecbench.runs.prediction_tables import check_path, check_target, save_predictions
from fecbench.runs.resume import held, same_encoder
from fecbench.training import devices, metrics
from fecbench.training.checkpoints import Checkpoints, owned
from fecbench.training.optimizers import assign_parameters
from fecbench.training.stepper import Stepper
from fecbench.training.trainer import Trainer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from accelerate import Accelerator

    from fecbench.data.datasets.dataset import EmotionData
    from fecbench.data.datasets.locations import DataLocations
    from fecbench.runs.build import Built
    from fecbench.runs.identity import RowsAndCode
    from fecbench.runs.plan import Plan
    from fecbench.runs.record import Record
    from fecbench.runs.schema import RecordedTrial
    from fecbench.training.metrics import MetricFunction


MADE_BROKEN = (
    "correct what made it (model.encoder: choose another --encoder; model.head: another --head; else the objective); "
    "a buffer that needs no saving can be persistent=False"
)


@dataclass(frozen=True)
class RunContext:
    """Data locations, record folder and observers of a run.

    Attributes:
        locations: the folders and caches to look for data in.
        folder: the run directory. None means a new one under ``runs/``, or with ``resume`` the newest unfinished run of
            the same plan there.
        resume: continue an unfinished run; if ``folder`` holds none, start one.
        trackers: names of accelerate's trackers to log to.
        observers: hook implementations besides the record's own and the installed ones.
        expected: the required digests of rows, code and labels; None accepts any.
        predictions: a .csv or .jsonl file to write the predictions of the test rows to.
        metrics: further metrics to compute, such as ``micro_f1:without=neutral``.
        trial: the trial of a benchmark's search that the run is, to be recorded.
    """

    locations: DataLocations
    folder: Path | None = None
    resume: bool = False
    trackers: Sequence[str] = ()
    observers: Sequence[object] = ()
    expected: RowsAndCode | None = None
    predictions: Path | None = None
    metrics: Sequence[str] = ()
    trial: RecordedTrial | None = None


def run(plan: Plan, context: RunContext) -> Record:
    """Carry out ``plan`` and return the complete record. On several ranks the first one writes it.

    Raises:
        FecbenchError: data, encoder, plugin or record are faulty. An earlier record is never damaged.
    """
    with devices.deterministic(plan.settings.deterministic):
        return _run(plan, context)


def _run(plan: Plan, context: RunContext) -> Record:
    began = time.perf_counter()
    plan.check_consent()
    if context.predictions:
        check_path(context.predictions, context.folder)
    for name in context.metrics:
        metrics.check_metric_name(name)
    accelerator = devices.accelerator(plan.settings.device, context.trackers)
    # rows, needs and labels are checked before the record is opened, so that a faulty run leaves no folder
    data = load_dataset(plan.settings, context.locations)
    plan.check_labelling(data.info)
    plan.needs.check(data, plan.settings.batch_size, plan.settings.limit, plan.who)
    plan.check_label_texts(data)
    plan.check_threshold_flags(data.info)
    further = further_metrics(data, context.metrics)
    identity = provenance.identify(plan, data, accelerator)
    with _shared_record(plan, identity, accelerator, context) as record:
        table = context.predictions if accelerator.is_main_process else None
        if table:
            check_target(table, record, data.test_rows)
        if record.status != "complete":
            built = build(plan, data, accelerator.device)
            Experiment(plan, data, built, record, began, further).carry_out(identity, accelerator, context)
            accelerator.wait_for_everyone()
        elif context.metrics or context.trackers:
            warnings.warn(f"{record.folder} was complete: further metrics and trackers change nothing", stacklevel=2)
        if table:
            save_predictions(table, record, data.test_rows)
    if accelerator.num_processes > 1:
        torch.distributed.destroy_process_group()  # else gloo's threads can abort the process when Python ends
    return record


@contextmanager
def _shared_record(
    plan: Plan, identity: Mapping[str, Any], accelerator: Accelerator, context: RunContext
) -> Iterator[Record]:
    """Yield the record to work in. The first rank opens and locks it, and tells the others which one it is."""
    if not accelerator.is_main_process:
        yield broadcast_object_list([None])[0]
        return
    with held(plan, identity, context.folder, context.resume, context.expected) as record:
        broadcast_object_list([record])
        yield record


@dataclass(frozen=True)
class Experiment:
    """A run in progress; ``further`` are metrics besides those of every run."""

    plan: Plan
    data: EmotionData
    built: Built
    record: Record
    began: float
    further: Mapping[str, MetricFunction] = field(default_factory=dict)

    def carry_out(self, identity: Mapping[str, Any], accelerator: Accelerator, context: RunContext) -> None:
        """Train, test and complete the record. Record a failure and raise it again."""
        trainer = self._trainer(accelerator, self._observers(accelerator, context), identity)
        if accelerator.is_main_process:  # before the checkpoint replaces the weights that are compared
            same_encoder(self.record, self.built)
        try:
            resumed = trainer.resume()
            if accelerator.is_main_process:
                describe_run(self.record, identity, self.data, self.built, trainer.run.notes, context.trial)
                History(self.record).keep(trainer.progress.epoch)
            trainer.observers.notify("run_started", run=trainer.run)
            self._train(trainer, resumed, context.locations)
            result = FinalEvaluation(self.plan, self.data, self.built, self.record, self.began).carry_out(trainer)
            trainer.observers.notify("run_finished", run=trainer.run, result=result)
        except BaseException as error:  # Ctrl-C too: the record states that the run was interrupted
            trainer.observers.notify("run_failed", run=trainer.run, error=error)
            raise

    def _train(self, trainer: Trainer, resumed: bool, locations: DataLocations) -> None:
        """Train, with the stages before and after. The model is left with the weights to test, saved as the best."""
        objective = self.built.objective
        stage = stage_of(self.built, self.data, self.plan.settings, trainer.stepper.precision.device, locations)
        if not resumed:
            with self._checked_stage(trainer, "before_training"):
                objective.before_training(stage)
            trainer.check_weights("before training", MADE_BROKEN)
        about: Mapping[str, Any] = {}
        if objective.trains:
            trainer.fit()
            self._barrier(trainer)  # the first rank has written the best weights
            about = trainer.checkpoints.load_best(trainer.modules, trainer.progress.best_epoch)
        if not about.get("after_training"):  # a run that was killed during its test has done this stage
            with self._checked_stage(trainer, "after_training"), trainer.stepper.precision.autocast():
                objective.after_training(stage)
            trainer.check_weights("after after_training", "correct that method (the best epoch's weights are kept)")
            # Before saving: the label matrix must be that of the weights after the stage (ADR 8).
            precompute(self.built.model, objective)
            self._barrier(trainer)  # all ranks have read the best weights: the file may be replaced
            if trainer.batches.rank == 0:
                trainer.checkpoints.save_best(
                    trainer.modules, {"epoch": trainer.progress.best_epoch, "after_training": True}
                )

    @contextmanager
    def _checked_stage(self, trainer: Trainer, stage: str) -> Iterator[None]:
        """Seed a stage's random numbers and refuse changes of the set of parameters and buffers.

        Raises:
            ProtocolError: the stage added or replaced one. It would belong to no player and be lost on resume.
        """
        # A stage's random numbers depend neither on what ran before it nor on a resumption. All ranks draw those of the
        # first: nothing broadcasts what a stage made.
        set_seed(stream_seed(self.plan.settings.seed, stage, 0) % 2**32)
        before = owned(trainer.modules)
        with plugin_errors(self.plan.who, self.built.objective):
            yield
        changed = before.items() ^ owned(trainer.modules).items()
        if changed:
            name, _ = min(changed)
            raise ProtocolError(
                f"{self.plan.who}: {stage} must keep what it finds in parameters and buffers that __init__ made, but "
                f"it added or replaced {name}; register it in __init__ and copy_ into it"
            )

    def _barrier(self, trainer: Trainer) -> None:
        """Wait for all ranks: the first one has written files that the others read next."""
        if trainer.batches.ranks > 1:
            torch.distributed.barrier()

    def _trainer(self, accelerator: Accelerator, observers: Observers, identity: Mapping[str, Any]) -> Trainer:
        plan, built, settings = self.plan, self.built, self.plan.settings
        rank, ranks = accelerator.process_index, accelerator.num_processes
        bucketed = settings.order == "bucketed"
        batches = TrainingBatches(
            built.splits["train"], settings.batch_size, settings.seed, bucketed, plan.needs, rank, ranks
        )
        notes = (*built.notes, *batches.notes)
        values = {key: setting.value for key, setting in plan.origins.items()}
        run = RunInfo(
            self.record.id,
            str(self.record.folder),
            plan.name,
            self.data.name,
            values,
            settings.epochs,
            len(batches),
            notes,
        )
        scores, broken = metrics.all_metrics(self.data.labels, self.data.labelling, self.data.info.soft)
        for reason in broken:
            warnings.warn(reason, stacklevel=2)
        with plugin_errors(plan.who, built.objective):
            players = assign_parameters(built.objective, built.model, settings, plan.who)
            streams = streams_of(built, self.data, batches)
        precision = devices.precision(settings.precision, accelerator.device)
        stepper = Stepper(built.objective, built.model, players, precision, plan.who, settings.clip, ranks)
        digest = run_digest({**identity, "max_length": built.max_length})
        # on the CPU training needs the cores that a thread would take, and no device waits for the writing
        checkpoints = Checkpoints(self.record.folder, digest, background=accelerator.device.type != "cpu")
        return Trainer(
            stepper,
            batches,
            built.splits["validation"],
            settings,
            {**scores, **self.further},
            checkpoints,
            observers,
            run,
            streams,
        )

    def _observers(self, accelerator: Accelerator, context: RunContext) -> Observers:
        """Return the observers, the record's own first. Only the first rank has any."""
        if not accelerator.is_main_process:
            return Observers()
        observers = Observers([History(self.record), Failure(self.record)])
        if context.trackers:
            accelerator.project_configuration.logging_dir = str(self.record.inside("trackers"))
            observers.add(Trackers(accelerator), "trackers")
        for observer in context.observers:
            observers.add(observer)
        plugins, reasons = hooks.installed()
        for name, plugin in plugins:
            observers.add(plugin, name)
        for reason in reasons:
            warnings.warn(reason, stacklevel=2)
        return observers
