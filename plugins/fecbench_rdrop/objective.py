"""The R-Drop objective: cross-entropy of two dropout passes plus their divergence (Wu et al. 2021, equation 4)."""

from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field

from fecbench import Batch, BatchNeeds, Config, Model, Objective, Update
from fecbench_rdrop.losses import symmetric_bernoulli_kl, symmetric_kl


class RDropConfig(Config):
    """Options of ``r-drop``."""

    weight: float = Field(
        1.0,
        ge=0,
        description="weight of the divergence beside the mean cross-entropy of both passes (half of alpha in "
        "equation 4)",
    )


class RDrop(Objective):
    """Minimise ``CE + weight * KL`` of two passes that differ only in their dropout masks."""

    Config = RDropConfig
    config: RDropConfig
    labellings = ("single", "multi")
    soft = True
    needs = BatchNeeds(second_view="dropout")
    settings: ClassVar = {"head": "label"}
    display = "R-Drop"
    citation = "Wu et al. 2021, R-Drop: Regularized Dropout for Neural Networks"
    panels: ClassVar = {"losses": ("cross_entropy", "divergence")}

    def updates(self, batch: Batch, model: Model) -> Iterator[Update]:
        """Yield one update of the model; one encoder call computes both passes."""
        both = batch.doubled()
        logits = model.classify(model.project(model.encode(both))).float()
        classification = self.task.nll(logits, both)
        kl = symmetric_kl if self.task.labelling == "single" else symmetric_bernoulli_kl
        divergence = kl(*logits.chunk(2))  # `doubled` puts all first views before all second views
        logs = {"cross_entropy": classification.detach(), "divergence": divergence.detach()}
        yield Update(classification + self.config.weight * divergence, logs=logs)
