"""Carry out a run: load data, build the model, train, test, and write the record."""

from __future__ import annotations

import json
import time
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from accelerate.utils import broadcast_object_list, set_seed

from fecbench.core import hooks
from fecbench.core.errors import NumericalError, ProtocolError
from fecbench.core.files import own_file
from fecbench.core.hooks import Observers, RunInfo
from fecbench.core.plugin_errors import plugin_errors
from fecbench.core.strict_json import loads
from fecbench.data.batch import stream_seed
from fecbench.data.batches import TrainingBatches
from fecbench.data.datasets.load import load_dataset
from fecbench.model.model import precompute
from fecbench.runs import provenance
from fecbench.runs.build import build, stage_of, streams_of
from fecbench.runs.digests import run_digest
from fecbench.runs.further_metrics import further_metrics
from fecbench.runs.label_set_results import LabelSetResults
from fecbench.runs.majority import majority_scores
from fecbench.runs.observers import Failure, History, Trackers
from fecbench.runs.prediction_tables import (
    LabelSetTable,
    PredictionTable,
    check_path,
    check_target,
    save_predictions,
    write_table,
)
from fecbench.runs.predictions import write_arrays, write_predictions
from fecbench.runs.record import RUN, TABLE, VALIDATION
from fecbench.runs.resume import held, same_encoder
from fecbench.runs.write_record import complete, write_about, write_encoder
from fecbench.training import devices, metrics
from fecbench.training.checkpoints import Checkpoints, owned
from fecbench.training.divergence import divergence_remedy
from fecbench.training.logits import answers
from fecbench.training.optimizers import assign_parameters
from fecbench.training.scoring import ScoredRows, scores_of, single_labels
from fecbench.training.stepper import Stepper
from fecbench.training.threshold_rule import ThresholdRule
from fecbench.training.trainer import Trainer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from accelerate import Accelerator
    from torch import Tensor

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
        expected: the required digests of rows and code; None accepts any.
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
                self._describe(identity, trainer, context.trial)
                History(self.record).keep(trainer.progress.epoch)
            trainer.observers.notify("run_started", run=trainer.run)
            self._train(trainer, resumed, context.locations)
            result = self._test(trainer)
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
        # a stage's random numbers depend neither on what ran before it nor on a resumption
        set_seed(stream_seed(self.plan.settings.seed, stage, trainer.batches.rank) % 2**32)
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

    def _test(self, trainer: Trainer) -> dict[str, Any]:
        """Score the splits under the best weights, complete the record and return its result."""
        try:
            # A test split without labels is predicted too.
            predicted = dict.fromkeys((*self.built.scored, "test"))
            logits = {split: trainer.logits(self.built.splits[split]) for split in predicted}
        except NumericalError as error:
            raise NumericalError(
                f"{self.plan.who}: in the last test, {error}; {divergence_remedy(trainer.progress.epoch + 1)}"
            ) from None
        progress = trainer.progress
        texts = (len(self.built.splits["train"]) - trainer.batches.left_out) * progress.epoch
        several = self._label_sets(logits)
        result = {
            "metrics": self._scores(trainer, logits, several),
            "unanswered": {split: float((answers(rows) < 0).double().mean()) for split, rows in logits.items()},
            "report": self._report(),
            "epochs": progress.epoch,
            "best_epoch": progress.best_epoch,
            "validation_score": progress.best_score if self.built.objective.trains else None,
            **(several.by_class() if several else self._by_class(logits["test"])),
            "majority": None if several else self._majority(),
            "parameters": sum(parameter.numel() for parameter in self.built.model.parameters()),
            "train_seconds": round(progress.seconds, 3),
            "texts_per_second": round(texts / progress.seconds, 2) if progress.seconds else None,
            "seconds": round(time.perf_counter() - self.began, 3),
        }
        if trainer.batches.rank == 0:
            if several:
                self._write_label_sets(trainer, several)
            else:
                self._write_predictions(logits["test"])
            if several and "test" not in self.built.scored:
                self._write_label_set_table(several)
            complete(self.record, result)
            trainer.checkpoints.drop_last()  # only now: until the result is written, a killed run needs it to resume
        return result

    def _label_sets(self, logits: Mapping[str, Tensor]) -> LabelSetResults | None:
        """Return the results of a run on texts with several labels; None if they have one each."""
        if self.data.labelling == "single":
            return None
        rule = ThresholdRule.of(self.plan.settings.model_dump())
        return LabelSetResults(self.data.labels, self.built.splits, logits, self.built.scored, rule)

    def _by_class(self, logits: Tensor) -> dict[str, Any]:
        """Return the test scores of each class and the confusions; {} for a test split without labels."""
        if "test" not in self.built.scored:
            return {}
        labels, predicted, names = single_labels(self.built.splits["test"]), answers(logits).numpy(), self.data.labels
        return {
            "per_class": dict(zip(names, metrics.per_class(labels, predicted, len(names)), strict=True)),
            "confusion_matrix": metrics.confusion_matrix(labels, predicted, len(names)).tolist(),
        }

    def _write_predictions(self, logits: Tensor) -> None:
        """Write the predictions of the test rows; those of a test split without labels also as a table with ids."""
        if "test" in self.built.scored:
            write_predictions(self.record, logits, torch.as_tensor(single_labels(self.built.splits["test"])))
        else:
            write_predictions(self.record, logits, None)
            table = PredictionTable(self.data.labels, logits, self.data.test_rows)
            write_table(own_file(self.record.folder / TABLE), table, own=True)

    def _write_label_sets(self, trainer: Trainer, results: LabelSetResults) -> None:
        """Write the predictions of texts with several labels, and the thresholds beside the best weights."""
        write_arrays(self.record, results.predictions())
        if "validation" in self.built.scored:
            write_arrays(self.record, results.validation(), VALIDATION)
        about = {"epoch": trainer.progress.best_epoch, "after_training": True, "thresholds": results.named_thresholds}
        trainer.checkpoints.save_best(trainer.modules, about)

    def _report(self) -> dict[str, object]:
        """Return the objective's report as it is read from JSON, where a number as a key becomes text."""
        with plugin_errors(self.plan.who, self.built.objective):
            report = dict(self.built.objective.report())
            text = json.dumps(report, ensure_ascii=False, allow_nan=False)
            text.encode()  # raises on a lone surrogate, which result.json couldn't hold
            return dict(loads(text))

    def _write_label_set_table(self, several: LabelSetResults) -> None:
        """Write the predictions of a test split without labels as a table with ids."""
        given = torch.from_numpy(several.given)
        table = LabelSetTable(self.data.labels, several.logits["test"], self.data.test_rows, given)
        write_table(own_file(self.record.folder / TABLE), table, own=True)

    def _majority(self) -> dict[str, Any]:
        """Return the most frequent class of the rows trained on, and its scores."""
        splits = self.built.splits
        scored = {split: single_labels(splits[split]) for split in self.built.scored}
        return majority_scores(self.data.labels, single_labels(splits["train"]), scored)

    def _scores(
        self, trainer: Trainer, logits: Mapping[str, Tensor], several: LabelSetResults | None
    ) -> dict[str, dict[str, float]]:
        """Return the scores by split and metric."""
        splits, scored = self.built.splits, self.built.scored
        if several:
            rows = {split: several.rows(split) for split in scored}
        else:
            rows = {split: ScoredRows(splits[split], logits[split], "single") for split in scored}
        used = trainer.metrics if self.plan.gives_scores else metrics.of_given_labels(trainer.metrics)
        return {split: scores_of(rows[split], used) for split in scored}

    def _describe(self, identity: Mapping[str, Any], trainer: Trainer, trial: RecordedTrial | None) -> None:
        """Write ``encoder/`` and ``run.json``, unless an earlier attempt wrote them."""
        if (self.record.folder / RUN).exists():
            return
        source, info = self.built.source, self.data.info
        write_encoder(self.record, source)
        rows = {split: len(tokens) for split, tokens in self.built.splits.items()}
        available = len(self.data.splits["train"])
        dataset = {
            "title": info.title,
            "licence": info.licence,
            "homepage": info.homepage,
            "language": info.language,
            "citation": info.citation,
            "metric": info.metric,
            "reading": dict(self.data.reading) or None,
            "rows": rows,
            "available": available,
            "cut": list(self.data.cut),
        }
        about = {
            "id": self.record.id,
            **identity,
            "dataset": {**identity["dataset"], **dataset},
            "encoder": {
                "name": source.name,
                "revision": getattr(source.config, "_commit_hash", None),  # where transformers keeps the hub's commit
                "weights": provenance.weights_digest(self.built.model.encoder.network),
                "pretrained": source.weights is not None,
                "pooling": self.built.model.encoder.pooling,
            },
            "max_length": self.built.max_length,
            "threads": torch.get_num_threads(),
            "notes": list(trainer.run.notes),
            **({"trial": trial.model_dump()} if trial else {}),
        }
        write_about(self.record, about)

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
