"""Evaluate the best weights on validation and test rows, and write scores and predictions into the record."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from fecbench.core.errors import NumericalError
from fecbench.core.files import own_file
from fecbench.core.plugin_errors import plugin_errors
from fecbench.core.strict_json import loads
from fecbench.runs.label_set_results import LabelSetResults
from fecbench.runs.majority import majority_scores
from fecbench.runs.prediction_tables import LabelSetTable, PredictionTable, write_table
from fecbench.runs.predictions import write_arrays, write_predictions
from fecbench.runs.record import TABLE, VALIDATION
from fecbench.runs.write_record import complete
from fecbench.training import metrics
from fecbench.training.divergence import divergence_remedy
from fecbench.training.logits import answers
from fecbench.training.scoring import ScoredRows, scores_of, single_labels
from fecbench.training.threshold_rule import ThresholdRule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from fecbench.data.datasets.dataset import EmotionData
    from fecbench.runs.build import Built
    from fecbench.runs.plan import Plan
    from fecbench.runs.record import Record
    from fecbench.training.trainer import Trainer


@dataclass(frozen=True)
class FinalEvaluation:
    """The evaluation of a trained model.

    Attributes:
        plan: the run's objective and settings.
        data: the data set.
        built: the model, the objective and the tokenised splits.
        record: the record to complete.
        began: ``time.perf_counter()`` at the beginning of the run.
    """

    plan: Plan
    data: EmotionData
    built: Built
    record: Record
    began: float

    def carry_out(self, trainer: Trainer) -> dict[str, Any]:
        """Score the splits, complete the record and return its result. The first of several ranks writes it.

        Raises:
            NumericalError: a logit isn't finite.
        """
        logits = self._logits(trainer)
        several = self._label_sets(logits)
        result = self._result(trainer, logits, several)
        if trainer.batches.rank == 0:
            if several:
                self._write_label_sets(trainer, several)
            else:
                self._write_predictions(logits["test"])
            complete(self.record, result)
            trainer.checkpoints.drop_last()  # only now: until the result is written, a killed run needs it to resume
        return result

    def _logits(self, trainer: Trainer) -> dict[str, Tensor]:
        """Return the logits by split. A test split without labels is predicted too."""
        predicted = dict.fromkeys((*self.built.scored, "test"))
        try:
            return {split: trainer.logits(self.built.splits[split]) for split in predicted}
        except NumericalError as error:
            raise NumericalError(
                f"{self.plan.who}: in the last test, {error}; {divergence_remedy(trainer.progress.epoch + 1)}"
            ) from None

    def _result(
        self, trainer: Trainer, logits: Mapping[str, Tensor], several: LabelSetResults | None
    ) -> dict[str, Any]:
        """Return the content of ``result.json``, without its digests."""
        progress = trainer.progress
        texts = (len(self.built.splits["train"]) - trainer.batches.left_out) * progress.epoch
        return {
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
        if "test" not in self.built.scored:
            self._write_label_set_table(results)

    def _write_label_set_table(self, several: LabelSetResults) -> None:
        """Write the predictions of a test split without labels as a table with ids."""
        given = torch.from_numpy(several.given)
        table = LabelSetTable(self.data.labels, several.logits["test"], self.data.test_rows, given)
        write_table(own_file(self.record.folder / TABLE), table, own=True)

    def _report(self) -> dict[str, object]:
        """Return the objective's report as it is read from JSON, where a number as a key becomes text."""
        with plugin_errors(self.plan.who, self.built.objective):
            report = dict(self.built.objective.report())
            text = json.dumps(report, ensure_ascii=False, allow_nan=False)
            text.encode()  # raises on a lone surrogate, which result.json couldn't hold
            return dict(loads(text))

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
