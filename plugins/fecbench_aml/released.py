"""AML as its authors' released code trains it (github.com/Andromeda784/AML, commit fbc25d0).

That code differs from the paper's text. The losses, both optimisers and the order of an iteration follow
the code; the label texts are fecbench's own.

Texts with several labels are fecbench's addition: pairs have graded targets, and labels that occur together
are separated less.
"""

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from fecbench import (
    Batch,
    Model,
    Player,
    Stage,
    Task,
    Update,
    clustered_contrastive_loss,
    cooccurrence_kernel,
    graded_clustered_contrastive_loss,
    kmeans_clusters,
    label_pair_weights,
    label_separation_loss,
    label_states,
)
from fecbench_aml.mining import HardPairs
from fecbench_aml.objective import AML, AMLConfig


class AMLReleasedConfig(AMLConfig):
    """Options of ``aml-released``: those of ``aml``, but one adversary, and of TACO's two losses."""

    adversary: Literal["cooperate"] = Field(
        "cooperate", description="update of the discriminator; cooperate: minimise the pair loss, as both optimisers do"
    )
    contrastive_weight: float = Field(
        0.4, ge=0, description="weight of TACO's clustered contrastive loss (alpha); 0 skips the clustering"
    )
    separation_weight: float = Field(0.4, ge=0, description="weight of TACO's label separation loss (gamma)")
    temperature: float = Field(0.5, gt=0, description="temperature of the contrastive loss (tau)")
    base_temperature: float = Field(
        0.07, gt=0, description="base temperature (tau_b): the contrastive loss is scaled by tau / tau_b"
    )


class AMLReleased(AML):
    """AML as released: TACO's losses, and hard pairs whose loss encoder and discriminator both minimise."""

    Config = AMLReleasedConfig
    config: AMLReleasedConfig
    cooccurrence: Tensor | None
    display: ClassVar = "AML (released code)"
    variant_of: ClassVar = "aml"
    host_waits: ClassVar = {"k-means runs on the CPU: features and labels are fetched in one copy": 1}
    settings: ClassVar = {
        **AML.settings,
        "strategy": "batch-topk",
        "family": "mlp",
        "adversary": "cooperate",
        "symmetric": False,
        "regularization": 0.0,  # the optimisers' weight decay takes its place
        "adam_eps": 1e-6,  # the default of transformers.AdamW
    }

    def __init__(self, config: AMLReleasedConfig, task: Task):
        super().__init__(config, task)
        self.register_buffer("cooccurrence", torch.eye(task.classes) if task.labelling == "multi" else None)

    def before_training(self, stage: Stage) -> None:
        """Count which labels occur together, where texts can have several."""
        super().before_training(stage)
        if self.cooccurrence is not None:
            self.cooccurrence.copy_(cooccurrence_kernel(stage.targets["train"], rho=1.0))

    def players(self) -> Mapping[str, Player]:
        """Return the discriminator as two players, since two optimisers of the released code hold its parameters.

        Its own optimiser has a tenth of the encoder's rate, or ``--discriminator-lr``, and no schedule; the encoder's
        has the encoder's rate (ADR 17).
        """
        phi, lr = tuple(self.discriminator.parameters()), self.discriminator_lr()
        own_optimizer = Player(phi, lr=lr, lr_scale=0.1, schedule=_constant, shared=True)
        return {"discriminator": own_optimizer, "discriminator_with_encoder": Player(phi, shared=True)}

    def updates(self, batch: Batch, model: Model) -> Iterator[Update]:
        """Yield the updates of one iteration; pairs and classification use two encodings of the batch, as released."""
        if self.config.weight == 0:
            loss, logs = self.classification(batch, model)
            yield Update(loss, logs=logs)
            return
        z = model.project(model.encode(batch))
        pairs = self.mine(z, batch)
        for _ in range(self.config.discriminator_steps):
            yield self.discriminator_update(z.detach(), pairs)
        for step in range(self.config.encoder_steps):
            z = z if step == 0 else model.project(model.encode(batch))
            yield self.joint_update(z, pairs, batch, model, step)

    def joint_update(self, z: Tensor, pairs: HardPairs, batch: Batch, model: Model, step: int = 0) -> Update:
        """Return update ``step`` of all modules, which minimises ``CE + alpha L_cl + gamma L_ll + lambda L_aml``."""
        pair_logits = self.judge(z, pairs)
        pair_loss = self.pair_loss(pair_logits, pairs)
        loss, logs = self.classification(batch, model)
        logs |= {"aml": pair_loss.detach(), **self.statistics(pair_loss, pair_logits, pairs, step)}
        return Update(loss + self.config.weight * pair_loss, ("model", "discriminator_with_encoder"), logs)

    def classification(self, batch: Batch, model: Model) -> tuple[Tensor, dict[str, Tensor]]:
        """Return TACO's loss ``CE + alpha L_cl + gamma L_ll`` on a new encoding of the batch, and its terms to log."""
        c, z = self.config, model.project(model.encode(batch))
        states, logits = label_states(model, "aml-released"), model.classify(z).float()
        loss = self.task.nll(logits, batch)
        logs = {"cross_entropy": loss.detach()}
        if c.contrastive_weight:
            contrast = self.contrast(z, batch)
            loss, logs = loss + c.contrastive_weight * contrast, {**logs, "contrastive": contrast.detach()}
        if c.separation_weight:
            separation = label_separation_loss(states, label_pair_weights(logits, self.cooccurrence))
            loss, logs = loss + c.separation_weight * separation, {**logs, "label_separation": separation.detach()}
        return loss, logs

    def contrast(self, z: Tensor, batch: Batch) -> Tensor:
        """Return TACO's clustered contrastive loss ``L_cl`` of features ``[B, d]``."""
        scale = {"temperature": self.config.temperature, "base_temperature": self.config.base_temperature}
        clusters = kmeans_clusters(z.detach(), batch.truth, self.task.seed)
        targets, left_out = self.pair_targets.of_batch(batch)
        if targets.dim() == 1:
            return clustered_contrastive_loss(z, targets, clusters, **scale)
        return graded_clustered_contrastive_loss(z, targets, clusters, left_out=left_out, **scale)


def _constant(*_: int) -> float:
    """Return 1, the share of the peak learning rate, at every step."""
    return 1.0
