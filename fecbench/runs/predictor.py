"""Predict labels of new texts with a complete run: its directory and the objective's plugin suffice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from fecbench.core.errors import NumericalError, RunError, UsageError
from fecbench.core.plugin_errors import error_summary, plugin_errors
from fecbench.core.progress import silent
from fecbench.core.settings import RunSettings, Setting, build, values
from fecbench.data.batches import tokenize_texts
from fecbench.data.datasets.load import load_dataset
from fecbench.data.datasets.locations import DataLocations
from fecbench.data.datasets.rows import chunks
from fecbench.model.encoders.pretrained import read_config, read_tokenizer
from fecbench.model.encoders.source import EncoderSource
from fecbench.objective.check import get_objective
from fecbench.runs.build import LabelFacts, build_pair
from fecbench.runs.digests import run_digest, tensor_digest
from fecbench.runs.label_decision import LabelDecision
from fecbench.runs.plan import Plan
from fecbench.runs.record import RUN, encoder_digest, model_run_file
from fecbench.training import devices
from fecbench.training.checkpoints import BEST, Checkpoints, state_of
from fecbench.training.evaluation import split_outputs
from fecbench.training.logits import broken

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from torch import Tensor
    from transformers import PreTrainedTokenizerBase

    from fecbench.core.progress import Advance
    from fecbench.data.batch import Batch
    from fecbench.data.datasets.dataset import EmotionData
    from fecbench.model.model import Model
    from fecbench.objective.objective import Objective
    from fecbench.runs.record import Record
    from fecbench.training.devices import Precision


REMEDY = "the run's weights or its objective are broken: restore them or run it again"


@dataclass(frozen=True)
class Predictor:
    """A trained model that predicts texts.

    Attributes:
        model: the encoder and the head, with the weights of the best epoch.
        objective: the objective, with its own weights.
        tokenizer: the encoder's tokenizer.
        max_length: maximum number of tokens of a text; longer texts are cut.
        batch_size: number of texts in a batch.
        precision: the device, and the precision of the computations on it.
        decision: the rule that gives labels to a text; None if a text has one label, the most probable one.
    """

    model: Model
    objective: Objective
    tokenizer: PreTrainedTokenizerBase
    max_length: int
    batch_size: int
    precision: Precision
    decision: LabelDecision | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """Label names by index."""
        return self.objective.task.labels

    @property
    def thresholds(self) -> tuple[float, ...] | None:
        """The probability from which each label is given, by index; None if a text has one label."""
        return self.decision.thresholds if self.decision else None

    @classmethod
    def load(cls, record: Record, device: str = "auto") -> Predictor:
        """Load the model of a complete run.

        Raises:
            RunError: the run isn't complete, or one of its files is missing or broken.
            UnknownName, PluginError: the objective isn't installed, or is broken.
        """
        record.check_complete()
        run_file, folder = model_run_file(record), record.encoder
        record.check_part("encoder", encoder_digest(record), folder)
        try:
            # Without weights: the record has the architecture alone, and the run's best weights are loaded below.
            source = EncoderSource(str(folder), read_tokenizer(folder), read_config(folder), None)
        except Exception as error:  # transformers raises errors of many types
            raise RunError(
                f"{folder} must hold the run's encoder: {error_summary(error)}; restore the directory"
            ) from error
        plan, dataset = _plan(record), run_file.dataset
        recorded = run_file.encoder.pooling if run_file.encoder else None
        pooling = recorded or plan.settings.pooling  # older records lack it
        facts = LabelFacts(dataset.labelling, None, tuple(dataset.background), dataset.soft)
        model, built = build_pair(plan, source, dataset.labels, dataset.label_texts, dataset.name, pooling, facts)
        modules = {"model": model, "objective": built}
        digest = record.result_file.seal.get("run", run_digest(record.about))  # older records lack it
        Checkpoints(record.folder, digest).load_best(modules)
        record.check_part("weights", tensor_digest(state_of(modules)), record.folder / BEST)
        accelerator = devices.accelerator(device)
        precision = devices.precision(plan.settings.precision, accelerator.device)
        model, built = model.to(precision.device).eval(), built.to(precision.device).eval()
        decision = LabelDecision.of(record)
        return cls(model, built, source.tokenizer, run_file.max_length, plan.settings.batch_size, precision, decision)

    def probabilities(self, texts: Sequence[str], advance: Advance = silent) -> Tensor:
        """Return the probabilities ``[N, C]`` of the labels for each text, on the CPU; all 0 for no answer.

        They are float32, or float64 if a text can have several labels: near 1, float32 rounds past thresholds.
        ``advance`` is called with the number of texts of each batch.
        """
        with self._guarded():
            self.objective.before_predicting(texts)
        logits = self._of_each(
            texts, lambda batch: self.objective.predict(batch, self.model).float(), len(self.labels), advance
        )
        return self.objective.task.probabilities(logits.double() if self.decision else logits)

    def features(self, texts: Sequence[str], advance: Advance = silent) -> Tensor:
        """Return the head's features ``z [N, features]`` of each text, float32 on the CPU.

        ``advance`` is called with the number of texts of each batch.
        """
        return self._of_each(
            texts,
            lambda batch: self.model.project(self.model.encode(batch)).float(),
            self.model.head.features,
            advance,
        )

    def _guarded(self) -> AbstractContextManager[None]:
        """Convert exceptions of the objective's code into PluginError."""
        return plugin_errors(f"objective {type(self.objective).__name__}", self.objective)

    @torch.no_grad()
    def _of_each(self, texts: Sequence[str], rows: Callable[[Batch], Tensor], width: int, advance: Advance) -> Tensor:
        """Return what ``rows`` returns for each text, ``[N, width]``, float32 on the CPU.

        Raises:
            NumericalError: outputs have another shape, or aren't finite.
        """

        def outputs_of(batch: Batch) -> Tensor:
            with self._guarded():
                outputs = rows(batch)
            if outputs.shape != (len(batch), width):
                raise NumericalError(
                    f"outputs for {len(batch)} texts must have the shape {[len(batch), width]}, but have "
                    f"{list(outputs.shape)}; {REMEDY}"
                )
            advance(len(batch))
            return outputs

        parts = [torch.empty(0, width)]
        forms = self.objective.forms(self.objective.config)
        for part in chunks(texts):
            split = tokenize_texts(list(part), self.tokenizer, self.max_length, forms)
            parts.append(split_outputs(outputs_of, split, width, self.batch_size, self.precision))
        whole = torch.cat(parts)
        if broken(whole).any():  # a row of -inf is no answer
            raise NumericalError(f"outputs must be finite, but those of some texts are infinite or NaN; {REMEDY}")
        return whole


def data_of(record: Record, data_dir: Path | None = None) -> EmotionData:
    """Load the rows of a run's data set, without the run's ``--limit``, from where ``fecbench run`` finds them.

    Raises:
        DataNotFound, DataError: the rows aren't available.
        RunError: the rows have changed since the run.
    """
    data = load_dataset(_plan(record).settings, DataLocations(data_dir))
    if data.fingerprint != record.run_file.dataset.fingerprint:
        raise RunError(
            f"{record.folder} was run on other rows than {data.source} holds now; restore them, or run it again"
        )
    return data


def _plan(record: Record) -> Plan:
    """Return the plan that a record describes.

    Raises:
        RunError: the record's settings or options are invalid.
    """
    name = record.run_file.objective.name
    kind = get_objective(name)
    origins = {key: Setting(setting.value, setting.origin) for key, setting in record.run_file.settings.items()}
    try:
        settings = build(RunSettings, values(origins, RunSettings), f"settings of {record.folder}")
        options = build(kind.Config, values(origins, kind.Config), f"options of {record.folder}")
    except UsageError as error:
        raise RunError(f"{error}; restore {record.folder / RUN}, or run it again") from error
    return Plan(name, kind, settings, options, origins)
