"""The cross-entropy objective, with losses and corrections for imbalanced classes."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from fecbench import Batch, FecbenchError, Model, Objective, Stage, Task, Update, asymmetric_nll, focal_nll
from fecbench_ce.class_weights import balanced_weights, effective_number_weights, log_odds, log_priors
from fecbench_ce.config import CrossEntropyConfig


class CrossEntropy(Objective):
    """Cross-entropy, averaged over the rows of the batch."""

    Config = CrossEntropyConfig
    config: CrossEntropyConfig
    labellings = ("single", "multi")
    soft = True
    display = "Cross-entropy"
    citation = "Devlin et al. 2019 (BERT); Liu et al. 2019 (RoBERTa); Clark et al. 2020 (ELECTRA)"
    weights: Tensor
    adjustment: Tensor

    def __init__(self, config: CrossEntropyConfig, task: Task):
        super().__init__(config, task)
        _check_labels(config, task)
        if config.class_weights != "none":
            # One label a text: a weight for each class. Several: two for each label, of texts without it and with it.
            of_label = (2,) if task.labelling == "multi" else ()
            self.register_buffer("weights", torch.ones(task.classes, *of_label))
        if config.logit_adjust:
            self.register_buffer("adjustment", torch.zeros(task.classes))

    def before_training(self, stage: Stage) -> None:
        """Compute class weights or log priors from the labels of the training rows."""
        if self.config.class_weights == "none" and not self.config.logit_adjust:
            return
        counts = self._counts(stage)
        if self.config.class_weights == "balanced":
            self.weights.copy_(balanced_weights(counts))
        if self.config.class_weights == "effective":
            self.weights.copy_(effective_number_weights(counts, self.config.class_weight_beta))
        if self.config.logit_adjust:
            priors = log_odds(counts) if self.task.labelling == "multi" else log_priors(counts)
            self.adjustment.copy_(self.config.logit_adjust * priors)
            self._start_below_base_rates(stage)

    def updates(self, batch: Batch, model: Model) -> Iterator[Update]:
        """Yield one update of the model."""
        yield Update(self._loss(model.classify(model.project(model.encode(batch))), batch))

    def report(self) -> Mapping[str, object]:
        """Return the class weights by label, if there are any; with several labels a text, those of no and yes."""
        if self.config.class_weights == "none":
            return {}
        weights: list[Any] = self.weights.tolist()
        if self.task.labelling == "multi":
            weights = [{"no": no, "yes": yes} for no, yes in weights]
        return {"class_weights": dict(zip(self.task.labels, weights, strict=True))}

    @property
    def _one_label(self) -> bool:
        """True if each text has exactly one label."""
        return self.task.labelling == "single" and not self.task.soft

    def _counts(self, stage: Stage) -> Tensor:
        """Return the numbers of training rows of each class ``[C]``; with several labels, of no and yes ``[C, 2]``."""
        if self._one_label:
            return stage.labels["train"].bincount(minlength=self.task.classes)
        targets = stage.targets["train"]
        counts = targets.sum(0)
        return torch.stack([len(targets) - counts, counts], 1) if self.task.labelling == "multi" else counts

    def _start_below_base_rates(self, stage: Stage) -> None:
        """Subtract the adjustment from the biases that start at the labels' base rates, so that the loss starts there.

        Otherwise a model with several labels a text would spend its first epoch on that.
        """
        if self.task.labelling == "single" or self.task.prior is None:
            return
        first = self.task.prior.logit().to(self.adjustment)
        for bias in stage.model.head.parameters():
            if bias.shape == first.shape and bias.equal(first):
                bias.data.sub_(self.adjustment)

    def _loss(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return the mean loss of the rows with ``logits [B, C]``, a scalar."""
        if self.config.logit_adjust:
            logits = logits.float() + self.adjustment
        if self.config.class_weights == "none":
            return self._text_losses(logits, batch, "mean")
        if self.task.labelling == "multi":
            return self._weighted_label_losses(logits, batch.targets).sum(1).mean()
        # Over the number of rows, as in the released code of Cui et al. cross_entropy(weight=...) would divide by the
        # batch's sum of weights, so that the weight of a row would depend on the rows beside it.
        return (self.weights[batch.labels] * self._text_losses(logits, batch, "none")).mean()

    def _text_losses(self, logits: Tensor, batch: Batch, reduction: Any) -> Tensor:
        """Return the loss of each text ``[B]``, or their mean."""
        c, labelling = self.config, self.task.labelling
        if c.loss == "nll":
            return self.task.nll(logits, batch, reduction, c.label_smoothing)
        if c.loss == "focal":
            truth = batch.labels if self._one_label else batch.targets
            return focal_nll(logits, truth, labelling, c.focal_gamma, reduction)
        gammas = c.asymmetric_gamma_pos, c.asymmetric_gamma_neg
        return asymmetric_nll(logits, batch.targets, *gammas, c.asymmetric_clip, reduction)

    def _weighted_label_losses(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of each label of each text times the weight of its no or yes, ``[B, C]``."""
        smoothing, gamma = self.config.label_smoothing, self.config.focal_gamma if self.config.loss == "focal" else 0.0
        smoothed = (1 - smoothing) * targets + smoothing / 2
        # Each label as a text of its own: the loss of a text is a sum over labels, which hides their losses.
        losses = focal_nll(logits.reshape(-1, 1), smoothed.reshape(-1, 1), "multi", gamma, "none").view_as(targets)
        no, yes = self.weights.unbind(1)
        return torch.where(targets > 0.5, yes, no) * losses


def _check_labels(config: CrossEntropyConfig, task: Task) -> None:
    """Check that the data's labels fit the options.

    Raises:
        FecbenchError: they don't.
    """
    if config.loss == "asymmetric" and task.labelling == "single":
        raise FecbenchError(
            "--loss asymmetric weighs the labels that a text has and lacks, so it needs texts with several labels, but "
            f"those of {task.dataset} have one each; use --loss focal"
        )
    if config.class_weights != "none" and task.soft:
        raise FecbenchError(
            f"--class-weights needs whole labels, which have numbers of rows, but {task.dataset} gives shares of "
            "labels; use --logit-adjust 1, or leave it out"
        )
