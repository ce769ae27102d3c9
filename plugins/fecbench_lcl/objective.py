"""The LCL objective: a main network and a weighting network trained together (Suresh and Ong 2021, section 3)."""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import dropout

from fecbench import Batch, BatchNeeds, LabelOverlap, Model, Objective, OverlapConfig, Stage, Task, Update
from fecbench_lcl.losses import (
    graded_label_aware_contrastive_loss,
    label_aware_contrastive_loss,
    label_log_probabilities,
    own_label_weights,
)


class LCLConfig(OverlapConfig):
    """Options of ``lcl``."""

    contrastive_weight: float = Field(
        0.5, ge=0, le=1, description="weight of the contrastive loss (1 - lambda); both cross-entropies have lambda"
    )
    temperature: float = Field(0.3, gt=0, description="temperature of the contrastive loss (tau)")
    empty_anchor: Literal["zero", "skip"] = Field(
        "zero", description="anchors without positives; zero: count as 0, skip: leave out of the mean"
    )
    view: Literal["auto", "augmented", "dropout"] = Field(
        "auto",
        description="second view of each text; augmented: its paraphrase (column aug_text), dropout: another dropout "
        "pass, auto: augmented if the data set has paraphrases, else dropout",
    )
    detach_weights: bool = Field(
        False, description="send no gradient of the contrastive loss into the weighting network"
    )
    logit_dropout: float = Field(
        0.0, ge=0, lt=1, description="dropout on the main network's logits in training (released code: 0.1)"
    )


class LCL(Objective):
    """Supervised contrast weighted by the class probabilities that a second network gives to the anchor."""

    Config = LCLConfig
    config: LCLConfig
    base_rates: Tensor | None
    labellings = ("single", "multi")
    soft = True
    settings: ClassVar = {"head": "lcl", "batch_size": 32}  # 32 texts, 64 rows with their second views
    display = "LCL"
    citation = (
        "Suresh and Ong 2021, Not All Negatives are Equal: "
        "Label-Aware Contrastive Loss for Fine-grained Text Classification"
    )

    def __init__(self, config: LCLConfig, task: Task):
        super().__init__(config, task)
        self.weighting = task.new_model("native")
        self.pairs = LabelOverlap(config, task)
        # The logits of base rates, without which the native head would first learn that labels are rare.
        starts_at = task.prior.logit() if task.labelling == "multi" and task.prior is not None else None
        self.register_buffer("base_rates", starts_at, persistent=False)

    @classmethod
    def batch_needs(cls, config: Any) -> BatchNeeds:
        """Return the kind of second view that a batch must have."""
        return BatchNeeds(second_view=config.view)

    def before_training(self, stage: Stage) -> None:
        """Count the labels that occur together in training rows, for ``--overlap cooccurrence``."""
        self.pairs.fit(stage)

    def updates(self, batch: Batch, model: Model) -> Iterator[Update]:
        """Yield one update of both networks: ``lambda CE(main) + (1 - lambda) L_LCL + lambda CE(weighting)``."""
        c = self.config
        views = batch.doubled()
        h = model.encode(views)
        logits = dropout(model.classify(model.project(h)), c.logit_dropout)
        helper_logits = self.weigh(views)  # the second network is part of `model`'s player: one optimiser steps both
        contrast = self.contrast(h, views, helper_logits)
        main, helper = (self.task.nll(scores, views) for scores in (logits, helper_logits))
        logs = {
            "cross_entropy": main.detach(),
            "weighting_cross_entropy": helper.detach(),
            "contrastive": contrast.detach(),
        }
        yield Update(
            (1 - c.contrastive_weight) * (main + helper) + c.contrastive_weight * contrast,
            logs={**logs, "own_weight": self.own_weight(views, helper_logits)},
        )

    def weigh(self, views: Batch) -> Tensor:
        """Return the weighting network's logits ``[N, C]``."""
        helper: Model = self.weighting
        logits = helper.classify(helper.project(helper.encode(views)))
        return logits if self.base_rates is None else logits + self.base_rates

    def contrast(self, h: Tensor, views: Batch, helper_logits: Tensor) -> Tensor:
        """Return ``L_LCL`` of the encoder's states ``[N, hidden]`` under the weighting network's logits ``[N, C]``."""
        c = self.config
        options: dict[str, Any] = {
            "temperature": c.temperature,
            "empty_anchor": c.empty_anchor,
            "detach_weights": c.detach_weights,
        }
        targets, left_out = self.pairs(views.truth, views.rows)
        if targets.dim() == 1:
            return label_aware_contrastive_loss(h, targets, helper_logits, **options)
        log_p = label_log_probabilities(helper_logits, self.task.labelling)
        return graded_label_aware_contrastive_loss(h, views.targets, targets, log_p, left_out=left_out, **options)

    @torch.no_grad()
    def own_weight(self, views: Batch, helper_logits: Tensor) -> Tensor:
        """Return the mean weight of the anchors' own labels.

        It is logged, since ``L_LCL`` goes to 0 when the weighting network is confidently wrong.
        """
        if views.truth.dim() == 1:
            return helper_logits.float().softmax(1).gather(1, views.labels[:, None]).mean()
        return own_label_weights(views.targets, label_log_probabilities(helper_logits, self.task.labelling)).mean()
