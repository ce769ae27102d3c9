"""The objective: texts and labels in one space, seen from three sides (Gong, Yang, Shen 2025)."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor
from torch.nn.functional import cross_entropy

from fecbench import (
    Batch,
    Config,
    Model,
    Objective,
    Update,
    clustered_contrastive_loss,
    clustered_pairs,
    kmeans_clusters,
    label_pair_weights,
    label_separation_loss,
    label_states,
)


class TACOConfig(Config):
    """Options of ``taco``."""

    contrastive_weight: float = Field(
        0.4, ge=0, description="weight of the clustered contrast between texts (alpha); 0 saves the clustering"
    )
    separation_weight: float = Field(0.4, ge=0, description="weight of the loss that drives labels apart (gamma)")
    temperature: float = Field(0.5, gt=0, description="temperature of the contrast (tau)")
    base_temperature: float = Field(
        0.07, gt=0, description="the contrast is scaled by temperature / base temperature (tau_b)"
    )
    label_weights: Literal["signed", "clamped"] = Field(
        "signed",
        description="weights of pairs of labels: cosines of their logits as they are (the released code), or negative ones as 0",
    )


class TACO(Objective):
    """Match with the labels' own texts, contrast where clusters and labels disagree, and labels that are driven apart."""

    Config = TACOConfig
    config: TACOConfig
    settings: ClassVar = {"head": "label"}
    citation = "Gong, Yang, Shen 2025, A Triple-View Framework for Fine-Grained Emotion Classification (TACO)"

    def updates(self, batch: Batch, model: Model) -> Iterator[Update]:
        """One update of the model: ``CE + alpha L_cl + gamma L_ll``."""
        c = self.config
        z = model.project(model.encode(batch))
        states, logits = label_states(model, "taco"), model.classify(z).float()
        loss = cross_entropy(logits, batch.labels)
        logs: dict[str, Tensor] = {"cross_entropy": loss.detach()}
        if c.contrastive_weight:
            contrast, counts = self.contrast(z, batch.labels)
            loss = loss + c.contrastive_weight * contrast
            logs |= {"contrastive": contrast.detach(), **counts}
        if c.separation_weight:
            weights = label_pair_weights(logits)
            separation = label_separation_loss(states, weights, label_weights=c.label_weights)
            loss = loss + c.separation_weight * separation
            logs |= {"label_separation": separation.detach(), "label_weight_sum": weights.detach().sum()}
        yield Update(loss, logs=logs)

    def contrast(self, z: Tensor, labels: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """``L_cl`` of features ``[B, d]`` under clusters of their own, as many as labels, and how many pairs it saw."""
        clusters = kmeans_clusters(z.detach(), len(labels.unique()), self.task.seed)
        positive, negative = clustered_pairs(labels, clusters)
        counts = {"positive_pairs": positive.sum(), "negative_pairs": negative.sum()}
        c = self.config
        return clustered_contrastive_loss(
            z, labels, clusters, temperature=c.temperature, base_temperature=c.base_temperature
        ), counts
