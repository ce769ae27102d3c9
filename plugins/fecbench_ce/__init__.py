"""Cross-entropy fine-tuning: an encoder, a classification head and softmax cross-entropy.

Where texts have several labels, it is the sum of the labels' binary cross-entropies.

With the native head it gives the rows "BERT", "RoBERTa" and "ELECTRA" of comparison tables (AML paper,
table 2). Most other objectives add terms to it. Two options correct for imbalanced classes: class weights and
logit adjustment.
"""

from collections.abc import Iterator, Mapping
from typing import Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor

from fecbench import Batch, Config, Model, Objective, Stage, Task, Update
from fecbench_ce.class_weights import balanced_weights, effective_number_weights, log_priors

__all__ = [
    "CrossEntropy",
    "CrossEntropyConfig",
    "balanced_weights",
    "effective_number_weights",
    "log_priors",
]


BETA = 0.999


class CrossEntropyConfig(Config):
    """Options of ``ce``."""

    label_smoothing: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="label smoothing: share of the target spread evenly over all labels; with several labels a text, "
        "over yes and no of each",
    )
    class_weights: Literal["none", "balanced", "effective"] = Field(
        "none",
        description="weight of a training row, by its class: balanced is n / (C n_c) as in scikit-learn; effective is "
        "the inverse effective number of rows (Cui et al. 2019)",
    )
    class_weight_beta: float = Field(
        BETA,
        ge=0,
        lt=1,
        description="beta of --class-weights effective: 0 gives equal weights, near 1 they are proportional to 1 / n_c",
    )
    logit_adjust: float = Field(
        0.0,
        ge=0,
        description="tau of logit adjustment (Menon et al. 2021): the training loss adds tau times the log prior to "
        "the logits, predictions don't; 0 is off, 1 the paper's value",
    )

    @model_validator(mode="after")
    def _use_beta(self) -> Self:
        # Only another value than the default is refused: a run's settings name every option.
        if self.class_weights != "effective" and self.class_weight_beta != BETA:
            raise ValueError(
                f"--class-weight-beta needs --class-weights effective, but they are {self.class_weights}; add "
                "--class-weights effective or leave --class-weight-beta out"
            )
        return self

    @model_validator(mode="after")
    def _correct_once(self) -> Self:
        if self.class_weights != "none" and self.logit_adjust:
            raise ValueError(
                "--class-weights and --logit-adjust both correct for imbalanced classes, and together they correct "
                "twice; leave one of them out"
            )
        return self


class CrossEntropy(Objective):
    """Cross-entropy, averaged over the rows of the batch."""

    Config = CrossEntropyConfig
    config: CrossEntropyConfig
    labellings = ("single", "multi")
    soft = True
    citation = "Devlin et al. 2019 (BERT); Liu et al. 2019 (RoBERTa); Clark et al. 2020 (ELECTRA)"
    weights: Tensor
    adjustment: Tensor

    def __init__(self, config: CrossEntropyConfig, task: Task):
        super().__init__(config, task)
        if config.class_weights != "none":
            self.register_buffer("weights", torch.ones(task.classes))
        if config.logit_adjust:
            self.register_buffer("adjustment", torch.zeros(task.classes))

    def before_training(self, stage: Stage) -> None:
        """Compute class weights or log priors from the labels of the training rows."""
        if self.config.class_weights == "none" and not self.config.logit_adjust:
            return
        counts = stage.labels["train"].bincount(minlength=self.task.classes)
        if self.config.class_weights == "balanced":
            self.weights.copy_(balanced_weights(counts))
        if self.config.class_weights == "effective":
            self.weights.copy_(effective_number_weights(counts, self.config.class_weight_beta))
        if self.config.logit_adjust:
            self.adjustment.copy_(self.config.logit_adjust * log_priors(counts))

    def updates(self, batch: Batch, model: Model) -> Iterator[Update]:
        """Yield one update of the model."""
        yield Update(self._loss(model.classify(model.project(model.encode(batch))), batch))

    def _loss(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return the mean loss of the rows with ``logits [B, C]``, a scalar."""
        smoothing = self.config.label_smoothing
        if self.config.logit_adjust:
            logits = logits.float() + self.adjustment
        if self.config.class_weights == "none":
            return self.task.nll(logits, batch, smoothing=smoothing)
        # Over the number of rows, as in the released code of Cui et al. cross_entropy(weight=...) would divide by the
        # batch's sum of weights, so that the weight of a row would depend on the rows beside it.
        losses = self.task.nll(logits, batch, reduction="none", smoothing=smoothing)
        return (self.weights[batch.labels] * losses).mean()

    def report(self) -> Mapping[str, object]:
        """Return the class weights by label, if there are any."""
        if self.config.class_weights == "none":
            return {}
        return {"class_weights": dict(zip(self.task.labels, self.weights.tolist(), strict=True))}
