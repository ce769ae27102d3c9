"""The objective: alternating updates of discriminator and encoder (the paper, Algorithm 1).

``L_aml`` is the loss of :mod:`fecbench_aml.losses`, phi the discriminator's parameters, lambda ``weight``, beta ``regularization``.
"""

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from fecbench import Batch, Config, Model, Objective, Player, Task, Update
from fecbench_aml.discriminator import PairDiscriminator
from fecbench_aml.losses import aml_loss
from fecbench_aml.mining import HardPairs, mine_hard_pairs

DECAY = 5e-4


class AMLConfig(Config):
    """Options of ``aml``; the defaults are the paper's where it gives one."""

    k_pos: int = Field(10, ge=0, description="hard positives mined for each anchor")
    k_neg: int = Field(10, ge=0, description="hard negatives mined for each anchor")
    adversary: Literal["maximize", "confuse", "cooperate"] = Field(
        "cooperate",
        description="what the discriminator does: maximize the pair loss (the paper's equation; unbounded, it runs off), minimise it on "
        "flipped targets, or minimise it (the released code)",
    )
    discriminator_steps: int = Field(1, ge=1, description="updates of the discriminator in an iteration (T_D)")
    encoder_steps: int = Field(1, ge=1, description="updates of encoder and classifier in an iteration (T_E)")
    weight: float = Field(1.0, ge=0, description="weight of the pair loss beside the cross-entropy (lambda)")
    w_pos: float = Field(0.5, gt=0, lt=1, description="weight of hard positives in the pair loss; hard negatives have the rest")
    regularization: float = Field(1.0, ge=0, description="strength of the discriminator's L2 penalty (beta)")
    discriminator_lr: float | None = Field(None, gt=0, description="its learning rate (default: a tenth of the encoder's)")
    normalize: bool = Field(True, description="judge pairs on features of length 1")
    symmetric: bool = Field(True, description="score a pair by the mean over both orders")
    hidden: int = Field(256, ge=2, description="width of the discriminator")


class AML(Objective):
    """Adversarial metric learning: hard pairs judged by a discriminator that plays its own game."""

    Config = AMLConfig
    config: AMLConfig
    settings: ClassVar = {"head": "mlp"}
    presets: ClassVar = {name: {"k_pos": 20, "k_neg": 20} for name in ("ge", "ge-prepared")}
    citation = "Chen, Wu, Zhang, Hu: Adversarial Metric Learning for Fine-Grained Emotion Classification"

    def __init__(self, config: AMLConfig, task: Task):
        super().__init__(config, task)
        self.discriminator = PairDiscriminator(task.features, config.hidden, config.symmetric)

    def players(self) -> Mapping[str, Player]:
        """The discriminator; its penalty takes the place of weight decay."""
        lr = self.config.discriminator_lr
        return {"discriminator": Player(self.discriminator.parameters(), lr=lr, lr_scale=0.1, weight_decay=0.0)}

    def updates(self, batch: Batch, model: Model) -> Iterator[Update]:
        """Algorithm 1, one iteration."""
        z = model.project(model.encode(batch))
        pairs = mine_hard_pairs(z, batch.labels, k_pos=self.config.k_pos, k_neg=self.config.k_neg)
        for _ in range(self.config.discriminator_steps):
            yield self.discriminator_update(z.detach(), pairs)
        for step in range(self.config.encoder_steps):
            z = z if step == 0 else model.project(model.encode(batch))
            yield self.encoder_update(z, model.classify(z), batch.labels, pairs)

    def discriminator_update(self, z: Tensor, pairs: HardPairs) -> Update:
        """Minimise the adversary's loss over phi; ``z`` is detached."""
        logits = self.judge(z, pairs)
        before = aml_loss(logits, pairs.target, w_pos=self.config.w_pos, valid=pairs.valid)
        match self.config.adversary:
            case "maximize":
                loss = -self.config.weight * before
            case "confuse":
                loss = aml_loss(-logits, pairs.target, w_pos=self.config.w_pos, valid=pairs.valid)
            case "cooperate":
                loss = before
        return Update(loss + self.penalty(), "discriminator", {"aml_before": before.detach()})

    def encoder_update(self, z: Tensor, logits: Tensor, labels: Tensor, pairs: HardPairs) -> Update:
        """Minimise ``CE + lambda L_aml`` over encoder and classifier, under the discriminator as it is now."""
        judged = self.judge(z, pairs)
        pair_loss = aml_loss(judged, pairs.target, w_pos=self.config.w_pos, valid=pairs.valid)
        classification = cross_entropy(logits.float(), labels)
        logs = {"cross_entropy": classification.detach(), "aml": pair_loss.detach(), **pair_statistics(judged.detach(), pairs)}
        return Update(classification + self.config.weight * pair_loss, logs=logs)

    def judge(self, z: Tensor, pairs: HardPairs) -> Tensor:
        """Logits ``[P]`` of the pairs' scores."""
        return self.discriminator.between(normalize(z) if self.config.normalize else z, pairs.i, pairs.j)

    def penalty(self) -> Tensor:
        """``Omega``: beta times 5e-4 times the squared norm of phi."""
        squares = [parameter.square().sum() for parameter in self.discriminator.parameters()]
        return self.config.regularization * DECAY * torch.stack(squares).sum()


def pair_statistics(logits: Tensor, pairs: HardPairs) -> dict[str, Tensor]:
    """Mean score and number of the hard positives and of the hard negatives."""
    scores, statistics = logits.sigmoid(), {}
    for name, kind in (("positive", pairs.valid & (pairs.target > 0.5)), ("negative", pairs.valid & (pairs.target <= 0.5))):
        count = kind.sum()
        statistics[f"{name}_score"] = scores.masked_fill(~kind, 0.0).sum() / count.clamp(min=1)
        statistics[f"{name}_pairs"] = count
    return statistics
