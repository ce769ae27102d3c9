"""The LCL objective: a main network and a weighting network trained together (Suresh and Ong 2021, section 3)."""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import cross_entropy, dropout

from fecbench import Batch, BatchNeeds, Config, Model, Objective, Task, Update
from fecbench_lcl.losses import label_aware_contrastive_loss


class LCLConfig(Config):
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
    settings: ClassVar = {"head": "lcl", "batch_size": 32}  # 32 texts, 64 rows with their second views
    citation = (
        "Suresh and Ong 2021, Not All Negatives are Equal: "
        "Label-Aware Contrastive Loss for Fine-grained Text Classification"
    )

    def __init__(self, config: LCLConfig, task: Task):
        super().__init__(config, task)
        self.weighting = task.new_model("native")

    @classmethod
    def batch_needs(cls, config: Any) -> BatchNeeds:
        """Return the kind of second view that a batch must have."""
        return BatchNeeds(second_view=config.view)

    def updates(self, batch: Batch, model: Model) -> Iterator[Update]:
        """Yield one update of both networks: ``lambda CE(main) + (1 - lambda) L_LCL + lambda CE(weighting)``."""
        c = self.config
        views = batch.doubled()
        h = model.encode(views)
        logits = dropout(model.classify(model.project(h)), c.logit_dropout)
        helper_logits = self.weigh(views)  # the second network is part of `model`'s player: one optimiser steps both
        contrast = label_aware_contrastive_loss(
            h,
            views.labels,
            helper_logits,
            temperature=c.temperature,
            empty_anchor=c.empty_anchor,
            detach_weights=c.detach_weights,
        )
        main, helper = (cross_entropy(scores.float(), views.labels) for scores in (logits, helper_logits))
        with torch.no_grad():  # logged, since L_LCL goes to 0 when the weighting network is confidently wrong
            own_weight = helper_logits.float().softmax(1).gather(1, views.labels[:, None]).mean()
        logs = {
            "cross_entropy": main.detach(),
            "weighting_cross_entropy": helper.detach(),
            "contrastive": contrast.detach(),
        }
        yield Update(
            (1 - c.contrastive_weight) * (main + helper) + c.contrastive_weight * contrast,
            logs={**logs, "own_weight": own_weight},
        )

    def weigh(self, views: Batch) -> Tensor:
        """Return the weighting network's logits ``[N, C]``."""
        helper: Model = self.weighting
        return helper.classify(helper.project(helper.encode(views)))
