"""The SupCon objective: cross-entropy and supervised contrastive loss trained jointly (Gunel et al., ICLR 2021)."""

from collections.abc import Iterator
from typing import Any, Literal, Self

from pydantic import Field, model_validator
from torch import Tensor, nn

from fecbench import Batch, BatchNeeds, LabelOverlap, Model, Objective, OverlapConfig, Stage, Task, Update
from fecbench_supcon.losses import DivideBy, supcon_loss

PROJECTION = 128  # width of the projection, as in the released code


class SupConConfig(OverlapConfig):
    """Options of ``supcon``."""

    contrastive_weight: float = Field(
        0.5, ge=0, le=1, description="weight of the contrastive loss (lambda); cross-entropy has 1 - lambda"
    )
    temperature: float = Field(0.3, gt=0, description="temperature of the contrastive loss (tau)")
    base_temperature: float | None = Field(
        None,
        gt=0,
        description="scale the contrastive loss by temperature / base temperature (released code: 0.07; default: no "
        "scaling)",
    )
    contrast_mode: Literal["all", "one"] = Field(
        "all", description="anchors; all: every row, one: the first view of each text"
    )
    empty_anchor: Literal["zero", "skip"] = Field(
        "zero", description="anchors without positives; zero: count as 0, skip: leave out of the mean"
    )
    view: Literal["auto", "augmented", "dropout", "none"] = Field(
        "auto",
        description="second view of each text; augmented: its paraphrase (column aug_text), dropout: another dropout "
        "pass, none: no second view, auto: augmented if the data set has paraphrases, else dropout",
    )
    projector: bool = Field(
        False, description="compute the contrastive loss on a projection of the encoder's states (width 128)"
    )
    per_label: int = Field(1, ge=1, description="put texts of a label into a batch in groups of this size")
    divide_by: DivideBy = Field(
        "overlap",
        description="divisor of an anchor's sum over positives, where texts have several labels or shares; overlap: "
        "the sum of their overlaps, count: their number (MultiSupCon)",
    )

    @model_validator(mode="after")
    def _check_views(self) -> Self:
        if self.contrast_mode == "one" and self.view == "none":
            raise ValueError("--contrast-mode one needs second views, found --view none; change one of them")
        return self


class SupCon(Objective):
    """Minimise ``(1 - lambda) CE + lambda L_con`` over all views of a batch (Gunel et al. 2021)."""

    Config = SupConConfig
    config: SupConConfig
    labellings = ("single", "multi")
    soft = True
    display = "SupCon"
    citation = "Khosla et al. 2020, Supervised Contrastive Learning; Gunel et al. 2021 (joint with cross-entropy)"

    def __init__(self, config: SupConConfig, task: Task):
        super().__init__(config, task)
        layers = (
            [nn.Linear(task.hidden, task.hidden), nn.ReLU(), nn.Linear(task.hidden, PROJECTION)]
            if config.projector
            else []
        )
        self.projector = nn.Sequential(*layers)  # without layers it returns the encoder's states unchanged
        self.pairs = LabelOverlap(config, task)

    @classmethod
    def batch_needs(cls, config: Any) -> BatchNeeds:
        """Return the needed second view and group size; without contrast no second view is needed."""
        return BatchNeeds(second_view=config.view if config.contrastive_weight else "none", per_label=config.per_label)

    def before_training(self, stage: Stage) -> None:
        """Count the labels that occur together in training rows, for ``--overlap cooccurrence``."""
        self.pairs.fit(stage)

    def updates(self, batch: Batch, model: Model) -> Iterator[Update]:
        """Yield one update of the model; with weight 0 it equals that of ``ce`` bit for bit."""
        weight = self.config.contrastive_weight
        views = batch if batch.second_view == "none" else batch.doubled()
        h = model.encode(views)
        classification = self.task.nll(model.classify(model.project(h)), views)
        if weight == 0:  # skipped, not multiplied by 0: that would take time, and 0 times inf is NaN
            yield Update(classification)
            return
        contrast = self.contrast(h, views)
        logs = {"cross_entropy": classification.detach(), "contrastive": contrast.detach()}
        yield Update((1 - weight) * classification + weight * contrast, logs=logs)

    def contrast(self, h: Tensor, views: Batch) -> Tensor:
        """Return ``L_con`` of the encoder's states ``[N, hidden]``, or of their projection."""
        c = self.config
        targets, left_out = self.pairs(views.truth, views.rows)
        return supcon_loss(
            self.projector(h),
            targets,
            temperature=c.temperature,
            base_temperature=c.base_temperature,
            contrast_mode=c.contrast_mode,
            empty_anchor=c.empty_anchor,
            left_out=left_out,
            divide_by=c.divide_by,
        )
