"""The AML objective: alternating updates of discriminator and encoder (AML paper, section 3.3.3 and Algorithm 1).

``L_aml`` is the loss of :mod:`fecbench_aml.losses`; phi are the discriminator's parameters; the option
``weight`` is lambda, and ``regularization`` is beta.
"""

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor
from torch.nn.functional import normalize

from fecbench import Batch, BatchNeeds, Model, Objective, OverlapConfig, Player, Stage, Task, Update
from fecbench_aml.cooccurrence import Rows, kernel_of, strongest
from fecbench_aml.discriminator import MetricDiscriminator, PairDiscriminator
from fecbench_aml.losses import aml_floor, aml_loss
from fecbench_aml.mining import LINES, HardPairs, Slope, mine_hard_pairs
from fecbench_aml.pair_targets import PairTargets

DECAY = 5e-4  # fecbench's value: the paper only says "e.g., weight decay"
METRIC_LR = 0.01  # the parameters are the logits of a softmax; at the encoder's rate they would hardly move (ADR 10)
COOCCURRENCE = ("cooccurrence_from", "cooccurrence_rows")  # further options of --overlap cooccurrence


class AMLConfig(OverlapConfig):
    """Options of ``aml``.

    Defaults are the paper's values, or those of the validation study (docs/reproduction.md) where it gives
    none.
    """

    strategy: Literal["topk", "threshold", "uniform", "batch-topk"] = Field(
        "topk",
        description="pair mining; topk: the hardest pairs of each anchor (paper), threshold: all pairs beyond "
        "--threshold, uniform: random pairs of each anchor, batch-topk: the hardest pairs of the batch (released code)",
    )
    k_pos: int = Field(10, ge=0, description="hard positives per anchor (batch-topk: per batch)")
    k_neg: int = Field(10, ge=0, description="hard negatives per anchor (batch-topk: per batch)")
    threshold: float = Field(
        0.5, ge=-1, le=1, description="cosine that separates hard from easy pairs, for --strategy threshold (tau)"
    )
    family: Literal["mlp", "metric"] = Field(
        "metric",
        description="family of the discriminator; mlp: an MLP on pair features (paper), metric: a weighted distance, "
        "over which the pair loss has a maximum",
    )
    adversary: Literal["maximize", "confuse", "cooperate"] = Field(
        "maximize",
        description="update of the discriminator; maximize: maximise the pair loss (paper; unbounded for mlp), "
        "confuse: minimise it on flipped targets, cooperate: minimise it (one part of the released code, see "
        "aml-released)",
    )
    discriminator_steps: int = Field(1, ge=1, description="updates of the discriminator per iteration (T_D)")
    encoder_steps: int = Field(1, ge=1, description="updates of encoder and classifier per iteration (T_E)")
    weight: float = Field(
        1.0, ge=0, description="weight of the pair loss beside the cross-entropy (lambda); 0: cross-entropy alone"
    )
    w_pos: float = Field(
        0.5, gt=0, lt=1, description="weight of hard positives in the pair loss; hard negatives have the rest"
    )
    regularization: float = Field(1.0, ge=0, description="strength of the discriminator's L2 penalty (beta)")
    discriminator_lr: float | None = Field(
        None,
        gt=0,
        description="learning rate of the discriminator (default: 0.01 for --family metric; for mlp a tenth of the "
        "encoder's, as released)",
    )
    normalize: bool = Field(True, description="scale features to length 1 before pairs are scored")
    symmetric: bool = Field(True, description="average the scores of both orders of a pair, for --family mlp")
    hidden: int = Field(256, ge=2, description="width of the discriminator's first layer, for --family mlp")
    neutral: Literal["apart", "label"] = Field(
        "apart",
        description="pairs of texts that share no label but background such as neutral, or have no labels; apart: "
        "neither positives nor negatives, label: compared as others",
    )
    slope: Slope = Field(
        "batch",
        description="cosine that features of a pair of overlap t should have, for topk and batch-topk; batch: least "
        "squares over the pairs of the batch, linear: 2 t - 1",
    )
    cooccurrence_from: str | None = Field(
        None,
        min_length=1,
        description="data set of texts with several labels whose training rows say which labels occur together: a "
        "name, a path, or hf:owner/name; by default the run's own",
    )
    cooccurrence_rows: Rows = Field(
        "all",
        description="training rows in which co-occurrence is counted; several: those of several labels alone, which "
        "makes labels more alike",
    )

    @model_validator(mode="after")
    def _use_cooccurrence(self) -> Self:
        # Only other values than the defaults are refused: a run's settings name every option.
        fields = AMLConfig.model_fields
        given = [name for name in COOCCURRENCE if getattr(self, name) != fields[name].default]
        if given and self.overlap != "cooccurrence":
            flags = ", ".join(f"--{name.replace('_', '-')}" for name in given)
            raise ValueError(
                f"--overlap cooccurrence is needed for {flags}, but it is {self.overlap}; add it or leave {flags} out"
            )
        return self


class AML(Objective):
    """Adversarial metric learning: cross-entropy, and hard pairs that a trained discriminator scores.

    The target of a pair is 1 for one label and 0 for two, or the overlap of the labels where texts have several.
    """

    Config: ClassVar[type[AMLConfig]] = AMLConfig
    config: AMLConfig
    needs = BatchNeeds(min_size=2)
    labellings = ("single", "multi")
    soft = True
    settings: ClassVar = {"head": "label"}
    presets: ClassVar = {name: {"k_pos": 20, "k_neg": 20} for name in ("ge", "ge-prepared", "ge-multi")}
    panels: ClassVar = {
        "L_aml on the hard pairs": ("aml_before", "aml"),
        "the discriminator's loss (max-step)": ("discriminator_loss", "discriminator_loss_after"),
        "the encoder's loss (min-step)": ("model_loss", "cross_entropy"),
        "L_aml above its least value": ("aml_excess",),
        "mean score": ("positive_score", "negative_score"),
    }
    display = "AML"
    gaps: ClassVar = {"gap (min-step loss - max-step loss)": ("discriminator_loss", "model_loss")}
    symbols: ClassVar = {
        "k_pos": "K",
        "k_neg": "K",
        "weight": "λ",
        "regularization": "β",
        "threshold": "τ",
        "discriminator_steps": "T_D",
        "encoder_steps": "T_E",
    }
    citation = (
        "Chen, Wu, Zhang, Hu 2026, Adversarial Metric Learning for Fine-Grained Emotion Classification "
        "(ACL 2026, long papers, 2089)"
    )

    def __init__(self, config: AMLConfig, task: Task):
        super().__init__(config, task)
        self.discriminator: PairDiscriminator | MetricDiscriminator
        if config.family == "mlp":
            self.discriminator = PairDiscriminator(task.features, config.hidden, config.symmetric)
        else:
            self.discriminator = MetricDiscriminator(task.features)
        self.discriminator.requires_grad_(config.weight > 0)  # AML w/o Adv makes no update of the discriminator
        self.pair_targets = PairTargets(config, task)

    def before_training(self, stage: Stage) -> None:
        """Count which labels occur together, for --overlap cooccurrence."""
        c = self.config
        if c.overlap == "cooccurrence":
            kernel = kernel_of(stage, self.task, c.cooccurrence_from, c.cooccurrence_rows, c.cooccurrence_weight)
            self.pair_targets.kernel.copy_(kernel)

    def players(self) -> Mapping[str, Player]:
        """Return the discriminator as a player; its penalty ``Omega`` replaces weight decay."""
        phi, lr = self.discriminator.parameters(), self.discriminator_lr()
        return {"discriminator": Player(phi, lr=lr, lr_scale=0.1, weight_decay=0.0)}

    def discriminator_lr(self) -> float | None:
        """Return the learning rate of the discriminator, or None for a tenth of the encoder's, as released."""
        return self.config.discriminator_lr or (METRIC_LR if self.config.family == "metric" else None)

    def updates(self, batch: Batch, model: Model) -> Iterator[Update]:
        """Yield the updates of one iteration of Algorithm 1."""
        z = model.project(model.encode(batch))
        if self.config.weight == 0:  # AML w/o Adv: pairs would have no effect
            yield Update(self.task.nll(model.classify(z), batch))
            return
        pairs = self.mine(z, batch)
        for _ in range(self.config.discriminator_steps):
            yield self.discriminator_update(z.detach(), pairs)
        for step in range(self.config.encoder_steps):
            # The discriminator's steps moved nothing that z depends on, so the first step needs no second encoding.
            z = z if step == 0 else model.project(model.encode(batch))
            yield self.encoder_update(z, model.classify(z), batch, pairs, step)

    def mine(self, z: Tensor, batch: Batch) -> HardPairs:
        """Mine P+ and P- of the batch (section 3.3.1); random pairs are a function of (seed, epoch, step)."""
        c = self.config
        targets, left_out = self.pair_targets.of_batch(batch)
        alpha, beta = LINES[c.slope]
        generator = batch.generator("aml pairs", z.device) if c.strategy == "uniform" else None
        return mine_hard_pairs(
            z,
            targets,
            k_pos=c.k_pos,
            k_neg=c.k_neg,
            strategy=c.strategy,
            threshold=c.threshold,
            alpha=alpha,
            beta=beta,
            left_out=left_out,
            generator=generator,
        )

    def discriminator_update(self, z: Tensor, pairs: HardPairs) -> Update:
        """Return the update that minimises the adversary's loss over phi; ``z`` is detached."""
        pair_logits = self.judge(z, pairs)
        pair_loss = self.pair_loss(pair_logits, pairs)
        loss = self.adversary_loss(pair_loss, pair_logits, pairs)
        return Update(loss, "discriminator", {"aml_before": pair_loss.detach()})

    def encoder_update(self, z: Tensor, logits: Tensor, batch: Batch, pairs: HardPairs, step: int = 0) -> Update:
        """Return update ``step`` that minimises ``CE + lambda L_aml`` over encoder and classifier, with phi fixed."""
        pair_logits = self.judge(z, pairs)
        pair_loss = self.pair_loss(pair_logits, pairs)
        classification = self.task.nll(logits, batch)
        logs = {
            "cross_entropy": classification.detach(),
            "aml": pair_loss.detach(),
            **self.statistics(pair_loss, pair_logits, pairs, step),
        }
        return Update(classification + self.config.weight * pair_loss, logs=logs)

    def pair_loss(self, pair_logits: Tensor, pairs: HardPairs) -> Tensor:
        """Return ``L_aml`` (definition 2) of the pairs' logits ``[P]``."""
        c = self.config
        return aml_loss(pair_logits, pairs.target, positive=pairs.positive, w_pos=c.w_pos, valid=pairs.valid)

    def floor(self, pairs: HardPairs) -> Tensor:
        """Return the least ``L_aml`` that scores of these pairs can have; 0 for hard targets."""
        return aml_floor(pairs.target, positive=pairs.positive, w_pos=self.config.w_pos, valid=pairs.valid)

    def adversary_loss(self, pair_loss: Tensor, pair_logits: Tensor, pairs: HardPairs) -> Tensor:
        """Return the loss that the discriminator minimises, given ``L_aml`` and the pairs' logits ``[P]``.

        ``maximize`` is the max-step of the paper's equation (section 3.3.3). ``Omega`` keeps phi small but
        does not bound that maximum: scaling all layers of the MLP by c scales logits by c^3 and ``Omega``
        by c^2.
        """
        match self.config.adversary:
            # Only here the pair loss has its weight, as in the paper's equation.
            case "maximize":
                return self.penalty() - self.config.weight * pair_loss
            case "confuse":
                return self.penalty() + self.pair_loss(-pair_logits, pairs)
            case "cooperate":
                return self.penalty() + pair_loss

    def judge(self, z: Tensor, pairs: HardPairs) -> Tensor:
        """Return the discriminator's logits ``[P]`` of the pairs."""
        # Length 1 is the released code's; the paper's equations take z as it is, whose distances have no scale.
        return self.discriminator.between(normalize(z) if self.config.normalize else z, pairs.i, pairs.j)

    def penalty(self) -> Tensor:
        """Return ``beta Omega``: beta times 5e-4 times the squared norm of phi."""
        squares = [parameter.square().sum() for parameter in self.discriminator.parameters()]
        return self.config.regularization * DECAY * torch.stack(squares).sum()

    @torch.no_grad()
    def statistics(self, pair_loss: Tensor, pair_logits: Tensor, pairs: HardPairs, step: int = 0) -> dict[str, Tensor]:
        """Compute the discriminator's loss after its steps, and the mean score and number of pairs of each kind.

        Only the encoder's first update (``step`` 0) sees that loss: later ones are of an encoder that has moved.

        If a batch has no pairs of a kind, their mean score is 1/2, that of an undecided discriminator, so
        that means over batches stay comparable.

        For graded targets it also computes ``aml_excess``, the pair loss above its least value.
        """
        kinds = torch.stack([pairs.positive, ~pairs.positive]) & pairs.valid  # [2, P]
        counts = kinds.sum(1)
        means = torch.where(kinds, pair_logits.sigmoid(), 0.0).sum(1) / counts.clamp(min=1)
        scores = torch.where(counts > 0, means, 0.5)
        excess = {"aml_excess": pair_loss - self.floor(pairs)} if self.pair_targets.graded else {}
        # Known without another pass, because the discriminator has judged the pairs again for the encoder's update.
        after = {"discriminator_loss_after": self.adversary_loss(pair_loss, pair_logits, pairs)} if step == 0 else {}
        return {
            **after,
            "positive_score": scores[0],
            "positive_pairs": counts[0],
            "negative_score": scores[1],
            "negative_pairs": counts[1],
            **excess,
        }

    def report(self) -> Mapping[str, object]:
        """Return the labels that occur together most, for --overlap cooccurrence."""
        if self.config.overlap != "cooccurrence":
            return {}
        return {"cooccurrence": strongest(self.pair_targets.kernel, self.task.labels)}
