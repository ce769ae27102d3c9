"""The TACO objective: match of text and label, clustered contrastive loss, label separation (Gong et al. 2025)."""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from fecbench import (
    Batch,
    LabelOverlap,
    Model,
    Objective,
    OverlapConfig,
    Stage,
    Task,
    Update,
    clustered_contrastive_loss,
    clustered_pairs,
    cooccurrence_kernel,
    graded_clustered_contrastive_loss,
    graded_clustered_pairs,
    kmeans_clusters,
    label_pair_weights,
    label_separation_loss,
    label_states,
)


class TACOConfig(OverlapConfig):
    """Options of ``taco``."""

    contrastive_weight: float = Field(
        0.4, ge=0, description="weight of the clustered contrastive loss between texts (alpha); 0 skips the clustering"
    )
    separation_weight: float = Field(0.4, ge=0, description="weight of the label separation loss (gamma)")
    temperature: float = Field(0.5, gt=0, description="temperature of the contrastive loss (tau)")
    base_temperature: float = Field(
        0.07, gt=0, description="base temperature (tau_b): the contrastive loss is scaled by tau / tau_b"
    )
    label_weights: Literal["signed", "clamped"] = Field(
        "signed",
        description="weights of label pairs; signed: cosines of their logits (released code), "
        "clamped: negative cosines become 0",
    )


class TACO(Objective):
    """Cross-entropy of matches with label texts, contrast where clusters and labels disagree, and label separation."""

    Config = TACOConfig
    config: TACOConfig
    cooccurrence: Tensor | None
    labellings = ("single", "multi")
    soft = True
    settings: ClassVar = {"head": "label"}
    display = "TACO"
    citation = "Gong, Yang, Shen 2025, A Triple-View Framework for Fine-Grained Emotion Classification (TACO)"
    host_waits: ClassVar = {"k-means runs on the CPU: features and labels are fetched in one copy": 1}

    def __init__(self, config: TACOConfig, task: Task):
        super().__init__(config, task)
        self.pairs = LabelOverlap(config, task)
        self.register_buffer("cooccurrence", torch.eye(task.classes) if task.labelling == "multi" else None)

    def before_training(self, stage: Stage) -> None:
        """Measure how often labels occur together in training rows, where texts can have several."""
        self.pairs.fit(stage)
        if self.cooccurrence is not None:
            self.cooccurrence.copy_(cooccurrence_kernel(stage.targets["train"], rho=1.0))

    def updates(self, batch: Batch, model: Model) -> Iterator[Update]:
        """Yield one update of the model: ``CE + alpha L_cl + gamma L_ll``."""
        c = self.config
        z = model.project(model.encode(batch))
        states, logits = label_states(model, "taco"), model.classify(z).float()
        loss = self.task.nll(logits, batch)
        logs: dict[str, Tensor] = {"cross_entropy": loss.detach()}
        if c.contrastive_weight:  # a weight of 0 skips k-means, which runs on the host and waits for the device
            contrast, counts = self.contrast(z, batch.truth)
            loss = loss + c.contrastive_weight * contrast
            logs |= {"contrastive": contrast.detach(), **counts}
        if c.separation_weight:
            weights = label_pair_weights(logits, self.cooccurrence)
            separation = label_separation_loss(states, weights, label_weights=c.label_weights)
            loss = loss + c.separation_weight * separation
            logs |= {"label_separation": separation.detach(), "label_weight_sum": weights.detach().sum()}
        yield Update(loss, logs=logs)

    def contrast(self, z: Tensor, truth: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return ``L_cl`` of features ``[B, d]`` and its numbers of pairs, given labels ``[B]`` or targets ``[B, C]``.

        K-means makes as many clusters as the batch has labels. As clusters approach labels both numbers of
        pairs go to 0. If labels overlap by degrees, each pair counts by its weight.
        """
        clusters = kmeans_clusters(z, truth, self.task.seed)
        targets, left_out = self.pairs(truth)
        c = self.config
        scale: dict[str, Any] = {"temperature": c.temperature, "base_temperature": c.base_temperature}
        if targets.dim() == 1:
            loss = clustered_contrastive_loss(z, targets, clusters, **scale)
            positive, negative = clustered_pairs(targets, clusters)
        else:
            loss = graded_clustered_contrastive_loss(z, targets, clusters, left_out=left_out, **scale)
            positive, negative = graded_clustered_pairs(targets, clusters, left_out)
        return loss, {"positive_pairs": positive.sum(), "negative_pairs": negative.sum()}
