"""The TACO objective: match of text and label, clustered contrastive loss, label separation (Gong et al. 2025)."""

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
    settings: ClassVar = {"head": "label"}
    citation = "Gong, Yang, Shen 2025, A Triple-View Framework for Fine-Grained Emotion Classification (TACO)"
    host_waits: ClassVar = {"k-means runs on the CPU: features and labels are fetched in one copy": 1}

    def updates(self, batch: Batch, model: Model) -> Iterator[Update]:
        """Yield one update of the model: ``CE + alpha L_cl + gamma L_ll``."""
        c = self.config
        z = model.project(model.encode(batch))
        states, logits = label_states(model, "taco"), model.classify(z).float()
        loss = cross_entropy(logits, batch.labels)
        logs: dict[str, Tensor] = {"cross_entropy": loss.detach()}
        if c.contrastive_weight:  # a weight of 0 skips k-means, which runs on the host and waits for the device
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
        """Return ``L_cl`` of features ``[B, d]`` and its numbers of pairs.

        K-means makes as many clusters as the batch has labels. As clusters approach labels both numbers of
        pairs go to 0.
        """
        clusters = kmeans_clusters(z, labels, self.task.seed)
        positive, negative = clustered_pairs(labels, clusters)
        counts = {"positive_pairs": positive.sum(), "negative_pairs": negative.sum()}
        c = self.config
        loss = clustered_contrastive_loss(
            z, labels, clusters, temperature=c.temperature, base_temperature=c.base_temperature
        )
        return loss, counts
