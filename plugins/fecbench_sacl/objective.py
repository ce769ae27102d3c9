"""The SACL objective: the joint loss on a clean and on a perturbed pass, then one step (Hu et al. 2023)."""

from collections.abc import Iterator
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from fecbench import (
    Batch,
    FecbenchError,
    LabelOverlap,
    Model,
    Objective,
    OverlapConfig,
    Stage,
    Task,
    Update,
    anchor_losses,
    mean_of_anchors,
    similarities,
)
from fecbench_sacl.attacks import Target, attack_on
from fecbench_sacl.losses import (
    focal_cross_entropy,
    graded_focal_cross_entropy,
    graded_nt_xent_loss,
    log_probabilities,
    nt_xent_loss,
)


class SACLConfig(OverlapConfig):
    """Options of ``sacl``."""

    contrastive_weight: float = Field(
        0.1, ge=0, description="weight of the contrastive loss on the clean pass (lambda 1)"
    )
    attacked_contrastive_weight: float = Field(
        0.1, ge=0, description="weight of the contrastive loss on the perturbed pass (lambda 2)"
    )
    temperature: float = Field(0.1, gt=0, description="temperature of the contrastive loss (tau)")
    scl: Literal["ntxent", "supcon"] = Field(
        "ntxent", description="form of the contrastive loss; ntxent: the released code's, supcon: SupCon's"
    )
    space: Literal["logprob", "logits", "hidden"] = Field(
        "logprob",
        description="features of the contrastive loss; logprob: log-probabilities, logits: logits, hidden: the "
        "encoder's states",
    )
    attack: Target = Field(
        "embeddings_matrix",
        description="target of the perturbation; embeddings_matrix: the word embedding matrix, "
        "embeddings_and_first_layer: also the encoder's first layer, input_embeddings: word embeddings of each text",
    )
    epsilon: float = Field(
        1.0, ge=0, description="length of the perturbation, of each tensor (input_embeddings: of each text)"
    )
    at_rate: float = Field(1.0, ge=0, le=1, description="share of batches that get a second, perturbed pass")
    focal_gamma: float = Field(0.0, ge=0, description="focusing parameter of the focal loss (0: cross-entropy)")
    weigh_classes: bool = Field(
        False, description="weight each row's cross-entropy by log(1 / its label's share of the training rows)"
    )


class SACL(Objective):
    """Minimise ``CE + lambda_1 L_scl`` on a clean pass plus ``CE + lambda_2 L_scl`` on a perturbed one, in one step."""

    Config = SACLConfig
    config: SACLConfig
    class_weights: Tensor
    labellings = ("single", "multi")
    soft = True
    display = "SACL"
    citation = "Hu et al. 2023, Supervised Adversarial Contrastive Learning for Emotion Recognition in Conversations"

    def __init__(self, config: SACLConfig, task: Task):
        super().__init__(config, task)
        if config.weigh_classes and (task.labelling == "multi" or task.soft):
            raise FecbenchError(
                "--weigh-classes needs one label a text, whose share of the training rows sets the text's weight, but "
                f"{task.dataset} gives several labels or shares of labels; leave it out"
            )
        self.register_buffer("class_weights", torch.ones(task.classes))
        self.pairs = LabelOverlap(config, task)

    def before_training(self, stage: Stage) -> None:
        """Compute the class weights, and the kernel of ``--overlap cooccurrence``, from the training rows."""
        self.pairs.fit(stage)
        if self.config.weigh_classes:
            counts = torch.bincount(stage.labels["train"], minlength=self.task.classes)
            # The clamp only concerns labels without training rows, whose weight no batch uses.
            self.class_weights.copy_((counts.sum() / counts.clamp(min=1)).log())

    def updates(self, batch: Batch, model: Model) -> Iterator[Update]:
        """Yield one step on the sum of both passes' gradients; attacked weights use the clean pass's alone."""
        c = self.config
        attack = attack_on(model, c.attack)
        loss, logs = self.joint_loss(*attack.clean(batch), batch.truth, c.contrastive_weight)
        if not self.attacks(batch):
            yield Update(loss, logs=logs)
            return
        yield Update(loss, logs=logs, step=False)  # keeps its gradients, to which those of the next update are added
        loss, logs = self.joint_loss(*attack.perturbed(batch, c.epsilon), batch.truth, c.attacked_contrastive_weight)
        yield Update(loss, logs={f"attacked_{name}": value for name, value in logs.items()})

    def attacks(self, batch: Batch) -> bool:
        """Return True if this batch gets a second pass; a function of (seed, epoch, step)."""
        return torch.rand((), generator=batch.generator("attack")).item() < self.config.at_rate

    def joint_loss(self, h: Tensor, logits: Tensor, truth: Tensor, weight: float) -> tuple[Tensor, dict[str, Tensor]]:
        """Return ``CE + weight L_scl`` of states ``[B, hidden]`` and logits ``[B, C]``, and both terms to log.

        ``truth`` are labels ``[B]`` or targets ``[B, C]``.
        """
        classification = self.classification(logits, truth)
        contrast = self.contrast(h, logits, truth)
        logs = {"cross_entropy": classification.detach(), "contrastive": contrast.detach()}
        return classification + weight * contrast, logs

    def classification(self, logits: Tensor, truth: Tensor) -> Tensor:
        """Return the cross-entropy, focal if ``--focal-gamma`` is set."""
        if truth.dim() == 2:
            return graded_focal_cross_entropy(logits, truth, self.task.labelling, self.config.focal_gamma)
        class_weights = self.class_weights if self.config.weigh_classes else None
        return focal_cross_entropy(logits, truth, self.config.focal_gamma, class_weights)

    def contrast(self, h: Tensor, logits: Tensor, truth: Tensor) -> Tensor:
        """Return ``L_scl`` of the features that ``--space`` names."""
        features, (targets, left_out) = self.features(h, logits), self.pairs(truth)
        if self.config.scl == "supcon":
            return self.supcon(features, targets, left_out)
        temperature = self.config.temperature
        if targets.dim() == 1:
            return nt_xent_loss(features, targets, temperature=temperature)
        return graded_nt_xent_loss(features, targets, temperature=temperature, left_out=left_out)

    def features(self, h: Tensor, logits: Tensor) -> Tensor:
        """Return the features of the contrastive loss, ``[B, hidden]``, ``[B, C]`` or ``[B, 2 C]``."""
        if self.config.space == "hidden":
            return h
        if self.config.space == "logprob":
            return log_probabilities(logits, self.task.labelling)
        return logits.to(torch.promote_types(logits.dtype, torch.float32))

    def supcon(self, features: Tensor, targets: Tensor, left_out: Tensor | None) -> Tensor:
        """Return the loss of SupCon, the mean over anchors that have a positive."""
        with torch.autocast(features.device.type, enabled=False):
            candidate = ~torch.eye(len(targets), dtype=torch.bool, device=targets.device)
            candidate = candidate if left_out is None else candidate & ~left_out
            positive = (targets[:, None] == targets) & candidate if targets.dim() == 1 else targets * candidate
            losses = anchor_losses(similarities(features, self.config.temperature), positive, candidate)
            return mean_of_anchors(losses, positive, "skip")
