"""AML as its authors' code trains it (github.com/Andromeda784/AML, fbc25d0), which the paper's text isn't.

Both losses, both optimisers and the order of an iteration are that code's. The label texts are fecbench's own.
"""

from collections.abc import Iterator, Mapping
from typing import ClassVar

from pydantic import Field
from torch import Tensor
from torch.nn.functional import cross_entropy

from fecbench import (
    Batch,
    Model,
    Player,
    Update,
    clustered_contrastive_loss,
    kmeans_clusters,
    label_pair_weights,
    label_separation_loss,
    label_states,
)
from fecbench_aml.mining import HardPairs
from fecbench_aml.objective import AML, AMLConfig


class AMLReleasedConfig(AMLConfig):
    """Options of ``aml-released``: those of ``aml``, and those of TACO's two losses."""

    contrastive_weight: float = Field(
        0.4, ge=0, description="weight of TACO's clustered contrast (alpha); 0 saves the clustering"
    )
    separation_weight: float = Field(0.4, ge=0, description="weight of TACO's loss that drives labels apart (gamma)")
    temperature: float = Field(0.5, gt=0, description="temperature of the contrast (tau)")
    base_temperature: float = Field(
        0.07, gt=0, description="the contrast is scaled by temperature / base temperature (tau_b)"
    )


class AMLReleased(AML):
    """What the AML authors' released code does: TACO, and pairs about which encoder and discriminator cooperate."""

    Config = AMLReleasedConfig
    config: AMLReleasedConfig
    variant_of: ClassVar = "aml"
    settings: ClassVar = {
        **AML.settings,
        "strategy": "batch-topk",
        "family": "mlp",
        "adversary": "cooperate",
        "symmetric": False,
        "regularization": 0.0,  # the optimisers' weight decay takes its place
        "adam_eps": 1e-6,  # the default of transformers.AdamW
    }

    def players(self) -> Mapping[str, Player]:
        """The discriminator twice: with an optimiser of its own, slow and without schedule, and with the encoder at its rate."""
        phi, lr = tuple(self.discriminator.parameters()), self.config.discriminator_lr
        alone = Player(phi, lr=lr, lr_scale=0.1, schedule=_constant, shared=True)
        return {"discriminator": alone, "discriminator_with_encoder": Player(phi, shared=True)}

    def updates(self, batch: Batch, model: Model) -> Iterator[Update]:
        """One iteration: the pairs are those of one encoding of the batch, the labels are told from another."""
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
            yield self.joint_update(z, pairs, batch, model)

    def joint_update(self, z: Tensor, pairs: HardPairs, batch: Batch, model: Model) -> Update:
        """Minimise ``CE + alpha L_cl + gamma L_ll + lambda L_aml`` over encoder, classifier and discriminator."""
        judged = self.judge(z, pairs)
        pair_loss = self.pair_loss(judged, pairs)
        loss, logs = self.classification(batch, model)
        logs |= {"aml": pair_loss.detach(), **self.statistics(judged.detach(), pairs)}
        return Update(loss + self.config.weight * pair_loss, ("model", "discriminator_with_encoder"), logs)

    def classification(self, batch: Batch, model: Model) -> tuple[Tensor, dict[str, Tensor]]:
        """TACO's loss of a fresh encoding of the batch, and its parts for the history."""
        c, z = self.config, model.project(model.encode(batch))
        states, logits = label_states(model, "aml-released"), model.classify(z).float()
        loss = cross_entropy(logits, batch.labels)
        logs = {"cross_entropy": loss.detach()}
        if c.contrastive_weight:
            clusters = kmeans_clusters(z.detach(), len(batch.labels.unique()), self.task.seed)
            temperatures = {"temperature": c.temperature, "base_temperature": c.base_temperature}
            contrast = clustered_contrastive_loss(z, batch.labels, clusters, **temperatures)
            loss, logs = loss + c.contrastive_weight * contrast, {**logs, "contrastive": contrast.detach()}
        if c.separation_weight:
            separation = label_separation_loss(states, label_pair_weights(logits))
            loss, logs = loss + c.separation_weight * separation, {**logs, "label_separation": separation.detach()}
        return loss, logs


def _constant(*_: int) -> float:
    """The whole rate at every step."""
    return 1.0
