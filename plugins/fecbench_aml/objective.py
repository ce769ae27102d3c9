"""The objective: alternating updates of discriminator and encoder (the paper, Algorithm 1).

``L_aml`` is the loss of :mod:`fecbench_aml.losses`, phi the discriminator's parameters, lambda ``weight``, beta ``regularization``.
"""

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from fecbench import Batch, BatchNeeds, Config, Model, Objective, Player, Task, Update
from fecbench_aml.discriminator import MetricDiscriminator, PairDiscriminator
from fecbench_aml.losses import aml_loss
from fecbench_aml.mining import HardPairs, mine_hard_pairs

DECAY = 5e-4
METRIC_LR = 0.01  # its parameters are the logits of a softmax: at the encoder's rate they would hardly move


class AMLConfig(Config):
    """Options of ``aml``; the defaults are the paper's where it gives one and the validation study's (docs/reproduction.md) elsewhere."""

    strategy: Literal["topk", "threshold", "uniform", "batch-topk"] = Field(
        "topk",
        description="how pairs are mined: the hardest of each anchor (the paper), all beyond --threshold, random ones of each anchor, "
        "or the hardest of the batch (the released code)",
    )
    k_pos: int = Field(10, ge=0, description="hard positives mined for each anchor (batch-topk: for the batch)")
    k_neg: int = Field(10, ge=0, description="hard negatives mined for each anchor (batch-topk: for the batch)")
    threshold: float = Field(
        0.5, ge=-1, le=1, description="cosine that parts easy from hard pairs, for strategy threshold (tau)"
    )
    family: Literal["mlp", "metric"] = Field(
        "metric",
        description="what the discriminator can be: an MLP on pairs (the paper), or a weighted distance, over which a maximum exists",
    )
    adversary: Literal["maximize", "confuse", "cooperate"] = Field(
        "maximize",
        description="what the discriminator does: maximize the pair loss (the paper's equation; over family mlp it is unbounded), minimise "
        "it on flipped targets, or minimise it (as the released code does, beside much else: aml-released)",
    )
    discriminator_steps: int = Field(1, ge=1, description="updates of the discriminator in an iteration (T_D)")
    encoder_steps: int = Field(1, ge=1, description="updates of encoder and classifier in an iteration (T_E)")
    weight: float = Field(
        1.0, ge=0, description="weight of the pair loss beside the cross-entropy (lambda); 0 leaves cross-entropy alone"
    )
    w_pos: float = Field(
        0.5, gt=0, lt=1, description="weight of hard positives in the pair loss; hard negatives have the rest"
    )
    regularization: float = Field(1.0, ge=0, description="strength of the discriminator's L2 penalty (beta)")
    discriminator_lr: float | None = Field(
        None,
        gt=0,
        description="its learning rate (default: 0.01 for family metric; for mlp a tenth of the encoder's, as released)",
    )
    normalize: bool = Field(True, description="judge pairs on features of length 1")
    symmetric: bool = Field(True, description="score a pair by the mean over both orders, for family mlp")
    hidden: int = Field(256, ge=2, description="width of the discriminator, for family mlp")


class AML(Objective):
    """Adversarial metric learning: hard pairs judged by a discriminator that plays its own game."""

    Config: ClassVar[type[AMLConfig]] = AMLConfig
    config: AMLConfig
    needs = BatchNeeds(min_size=2)
    settings: ClassVar = {"head": "label"}
    presets: ClassVar = {name: {"k_pos": 20, "k_neg": 20} for name in ("ge", "ge-prepared")}
    panels: ClassVar = {
        "L_aml on the hard pairs": ("aml_before", "aml"),
        "the discriminator's loss (max-step)": ("discriminator_loss", "discriminator_loss_after"),
        "the encoder's loss (min-step)": ("model_loss", "cross_entropy"),
        "mean score": ("positive_score", "negative_score"),
    }
    citation = "Chen, Wu, Zhang, Hu 2026, Adversarial Metric Learning for Fine-Grained Emotion Classification (ACL 2026, long papers, 2089)"

    def __init__(self, config: AMLConfig, task: Task):
        super().__init__(config, task)
        self.discriminator: PairDiscriminator | MetricDiscriminator
        if config.family == "mlp":
            self.discriminator = PairDiscriminator(task.features, config.hidden, config.symmetric)
        else:
            self.discriminator = MetricDiscriminator(task.features)
        self.discriminator.requires_grad_(config.weight > 0)  # AML w/o Adv: nobody would train it

    def players(self) -> Mapping[str, Player]:
        """The discriminator; its penalty takes the place of weight decay."""
        metric_lr = METRIC_LR if self.config.family == "metric" else None
        lr = self.config.discriminator_lr or metric_lr
        return {"discriminator": Player(self.discriminator.parameters(), lr=lr, lr_scale=0.1, weight_decay=0.0)}

    def updates(self, batch: Batch, model: Model) -> Iterator[Update]:
        """Algorithm 1, one iteration."""
        z = model.project(model.encode(batch))
        if self.config.weight == 0:  # AML w/o Adv: nobody would feel the pairs
            yield Update(cross_entropy(model.classify(z).float(), batch.labels))
            return
        pairs = self.mine(z, batch)
        for _ in range(self.config.discriminator_steps):
            yield self.discriminator_update(z.detach(), pairs)
        for step in range(self.config.encoder_steps):
            z = z if step == 0 else model.project(model.encode(batch))
            yield self.encoder_update(z, model.classify(z), batch.labels, pairs)

    def mine(self, z: Tensor, batch: Batch) -> HardPairs:
        """P+ and P- of the batch; random ones are a function of (seed, epoch, step)."""
        c = self.config
        noise = batch.generator("aml pairs", z.device) if c.strategy == "uniform" else None
        return mine_hard_pairs(
            z, batch.labels, k_pos=c.k_pos, k_neg=c.k_neg, strategy=c.strategy, threshold=c.threshold, generator=noise
        )

    def discriminator_update(self, z: Tensor, pairs: HardPairs) -> Update:
        """Minimise the adversary's loss over phi; ``z`` is detached."""
        judged = self.judge(z, pairs)
        logs = {"aml_before": self.pair_loss(judged, pairs).detach()}
        return Update(self.adversary_loss(judged, pairs), "discriminator", logs)

    def encoder_update(self, z: Tensor, logits: Tensor, labels: Tensor, pairs: HardPairs) -> Update:
        """Minimise ``CE + lambda L_aml`` over encoder and classifier, under the discriminator as it is now."""
        judged = self.judge(z, pairs)
        pair_loss = self.pair_loss(judged, pairs)
        classification = cross_entropy(logits.float(), labels)
        logs = {
            "cross_entropy": classification.detach(),
            "aml": pair_loss.detach(),
            **self.statistics(judged.detach(), pairs),
        }
        return Update(classification + self.config.weight * pair_loss, logs=logs)

    def pair_loss(self, judged: Tensor, pairs: HardPairs) -> Tensor:
        """``L_aml``."""
        return aml_loss(judged, pairs.target, w_pos=self.config.w_pos, valid=pairs.valid)

    def adversary_loss(self, judged: Tensor, pairs: HardPairs) -> Tensor:
        """What the discriminator minimises; the penalty bounds nothing, it only keeps phi small."""
        match self.config.adversary:
            case "maximize":
                return self.penalty() - self.config.weight * self.pair_loss(judged, pairs)
            case "confuse":
                return self.penalty() + self.pair_loss(-judged, pairs)
            case "cooperate":
                return self.penalty() + self.pair_loss(judged, pairs)

    def judge(self, z: Tensor, pairs: HardPairs) -> Tensor:
        """Logits ``[P]`` of the pairs' scores."""
        return self.discriminator.between(normalize(z) if self.config.normalize else z, pairs.i, pairs.j)

    def penalty(self) -> Tensor:
        """``Omega``: beta times 5e-4 times the squared norm of phi."""
        squares = [parameter.square().sum() for parameter in self.discriminator.parameters()]
        return self.config.regularization * DECAY * torch.stack(squares).sum()

    @torch.no_grad()
    def statistics(self, judged: Tensor, pairs: HardPairs) -> dict[str, Tensor]:
        """The discriminator's loss after its step, and mean score and number of the hard positives and of the hard negatives.

        Where a batch has none of a kind the mean is 1/2, as of a discriminator that can't tell, so that means over batches stay readable.
        """
        scores, statistics = judged.sigmoid(), {"discriminator_loss_after": self.adversary_loss(judged, pairs)}
        for name, kind in (
            ("positive", pairs.valid & (pairs.target > 0.5)),
            ("negative", pairs.valid & (pairs.target <= 0.5)),
        ):
            count = kind.sum()
            mean = scores.masked_fill(~kind, 0.0).sum() / count.clamp(min=1)
            statistics[f"{name}_score"] = torch.where(count > 0, mean, 0.5)
            statistics[f"{name}_pairs"] = count
        return statistics
