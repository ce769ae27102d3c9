"""An objective under test with its test conditions: the demo data, a small encoder and the CPU."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from accelerate.utils import set_seed

from fecbench.data.batches import TokenisedSplit, TrainingBatches
from fecbench.data.datasets.load import load_dataset
from fecbench.data.datasets.locations import DataLocations
from fecbench.data.streams import with_streams
from fecbench.model.model import precompute
from fecbench.objective.check import get_objective
from fecbench.runs.build import LabelFacts, build, build_pair, stage_of, streams_of
from fecbench.runs.experiment import RunContext, run
from fecbench.runs.plan import plan
from fecbench.testing.findings import source_location
from fecbench.testing.probes import UnguardedStepper
from fecbench.training import devices
from fecbench.training.optimizers import assign_parameters

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from torch import Tensor

    from fecbench.data.batch import Batch
    from fecbench.data.datasets.dataset import EmotionData
    from fecbench.runs.plan import Plan
    from fecbench.runs.record import Record
    from fecbench.training.stepper import Stepper

CPU = torch.device("cpu")
SIZE = 16  # texts in a batch, unless the objective needs more
ABLE, QUICK = "scratch", "tiny-bert"  # an encoder that learns, and a faster one that hardly tells texts apart


@dataclass(frozen=True)
class Subject:
    """An objective under test. Models and objectives are built anew for each check.

    Attributes:
        plan: the plan of its test runs.
        flags: the settings that the plan was made from.
    """

    plan: Plan
    flags: Mapping[str, object]

    @cached_property
    def data(self) -> EmotionData:
        """The data set that it is tested on."""
        return load_dataset(self.plan.settings, DataLocations())

    @property
    def trains(self) -> bool:
        """True if the objective trains."""
        return self.plan.objective.trains

    @property
    def size(self) -> int:
        """The number of texts in a batch: 16, or what the objective needs, in whole groups."""
        return _size(self.plan)

    @cached_property
    def _built(self) -> Any:
        self.plan.needs.check(self.data, self.size, None, self.plan.who)
        return build(self.plan, self.data, CPU)

    def prepare(self) -> None:
        """Load the data and build the cached parts now, so that later calls load nothing."""
        _ = self._built

    def stepper(self, kind: type[Stepper] = UnguardedStepper, precision: str = "float32", seed: int = 0) -> Any:
        """Return a stepper with a new model and objective."""
        chosen = replace(self.plan, settings=self.plan.settings.model_copy(update={"seed": seed}))
        data = self.data
        facts = LabelFacts.of(data, data.splits["train"])
        model, objective = build_pair(chosen, self._built.source, data.labels, data.label_texts, data.name, facts=facts)
        precompute(model, objective)  # stages may predict, and a label head predicts from its matrix (ADR 8)
        set_seed(seed)
        objective.before_training(stage_of(replace(self._built, model=model), self.data, chosen.settings, CPU))
        players = assign_parameters(objective.train(), model.train(), chosen.settings, chosen.who)
        set_seed(seed)  # again: the trainer seeds each epoch, whatever a stage drew (ADR 4)
        return kind(objective, model, players, devices.precision(precision, CPU), chosen.who)

    def batches(self, count: int | None = None) -> Iterator[Batch]:
        """Yield the first batches of an epoch, or all, as the trainer draws them; none if the method doesn't train."""
        train = TrainingBatches(self._built.splits["train"], self.size, 0, needs=self.plan.needs)
        streams = streams_of(self._built, self.data, train)
        batches = (with_streams(batch, streams, number) for number, batch in enumerate(train.epoch(1)))
        return islice(batches, count) if self.trains else iter(())

    def rows(self) -> dict[str, np.ndarray]:
        """Return the row numbers of one batch of each kind that the objective's needs allow, by the kind's name."""
        if not self.trains:
            return {}
        has, needs = self._built.splits["train"].targets > 0, self.plan.needs
        first = has.argmax(0)  # of each label, the first row that has it
        whole = next(self.batches(1)).rows.numpy()
        kinds = {
            "several classes": whole,
            "one class": np.flatnonzero(has[:, 0])[: len(whole)],
            "one text a class": first,
            "one text": first[:1],
        }
        return {
            kind: rows
            for kind, rows in kinds.items()
            if len(rows) >= needs.min_size and not (has[rows].sum(0) % needs.per_label).any()
        }

    def batch(self, rows: np.ndarray) -> Batch:
        """Return a batch of training rows."""
        train: TokenisedSplit = self._built.splits["train"]
        batch = train.batch(rows.copy())  # a copy, in case the objective writes into its batch
        return with_streams(batch, streams_of(self._built, self.data, TrainingBatches(train, self.size, 0)), 0)

    @property
    def first(self) -> Batch:
        """A batch of the first training rows."""
        return self.batch(np.arange(SIZE))

    @property
    def with_several_labels(self) -> Batch:
        """A batch of the first training rows that have several labels each."""
        counts = (self._built.splits["train"].targets > 0).sum(1)
        return self.batch(np.flatnonzero(counts > 1)[: self.size])

    @torch.no_grad()
    def predict(self, stepper: Stepper, batch: Batch | None = None) -> Tensor:
        """Return the logits of a batch as an evaluation computes them, but without hiding labels and row numbers.

        The default batch is the first training rows, without labels.
        """
        batch = self.first.unlabelled() if batch is None else batch
        if batch.texts is not None:
            stepper.objective.before_predicting(batch.texts)
        precompute(stepper.model.eval(), stepper.objective.eval())
        logits = stepper.objective.predict(batch, stepper.model)
        stepper.objective.train()
        stepper.model.train()
        return logits

    def run(self, folder: Path, resume: bool = False, observer: object = None, **flags: object) -> Record:
        """Return the record of a whole run; ``flags`` override the test's settings."""
        chosen = plan(self.plan.name, {**self.flags, **flags})
        return run(chosen, RunContext(DataLocations(), folder, resume, observers=[observer] if observer else []))

    def where(self, attribute: str) -> str:
        """Return the file, line and name of an attribute of the objective."""
        return source_location(self.plan.objective, attribute)


@cache
def subject_of(name: str, settings: tuple[tuple[str, object], ...], encoder: str = ABLE) -> Subject:
    """Return the subject for the objective ``name`` under ``settings``; cached.

    Its data set is ``demo``, or ``demo-multi`` for an objective that takes several labels a text alone. ``encoder``
    counts unless ``settings`` or the objective's ``rehearsal`` name another.
    """
    kind = get_objective(name)
    dataset = "demo" if "single" in kind.labellings else "demo-multi"
    conditions = {"dataset": dataset, "encoder": encoder, "device": "cpu", "precision": "float32", "epochs": 4}
    flags = {**conditions, **kind.rehearsal, **dict(settings)}
    chosen = plan(name, flags)
    flags["batch_size"] = max(chosen.settings.batch_size, _size(chosen))
    missing = set(chosen.needs.views(["text", "label"])) - {"text", "label"}
    if missing:
        flags["dataset"] = _with_columns(load_dataset(chosen.settings, DataLocations()), sorted(missing))
    return Subject(plan(name, flags), flags)


def _size(chosen: Plan) -> int:
    least, group = chosen.needs.least, chosen.needs.per_label
    return -(-max(SIZE, least) // group) * group  # rounded up to whole groups


def _with_columns(data: EmotionData, columns: list[str]) -> str:
    """Write the demo's rows with further text columns, each text's words in reverse, and return the folder."""
    folder = Path(_temporary_folder().name) / "-".join([data.labelling, *columns])
    folder.mkdir(exist_ok=True)
    for split, part in data.splits.items():
        with (folder / f"{split}.jsonl").open("w", encoding="utf-8") as file:
            for row in part:
                further = dict.fromkeys(columns, " ".join(reversed(row["text"].split())))
                written = {**row, "label": _label_names(row, data.labels), **further}
                written.pop("labels", None)
                file.write(json.dumps(written) + "\n")
    return str(folder)


def _label_names(row: Mapping[str, Any], names: Sequence[str]) -> str | list[str]:
    """Return the name of a row's label, or the list of the names of its labels."""
    return names[row["label"]] if "label" in row else [names[label] for label in row["labels"]]


@cache
def _temporary_folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="fecbench-check-")
