"""The targets of the pairs of a batch under an objective's options: labels, or the overlap of sets and shares of them.

A contrastive objective has the options of :class:`OverlapConfig` and a :class:`LabelOverlap`.
"""

from typing import Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from fecbench.core.errors import UsageError
from fecbench.core.settings import Config
from fecbench.objective.overlap import Overlap, background_pairs, cooccurrence_kernel, overlap
from fecbench.objective.protocol import Stage, Task

RHO = 0.5


class OverlapConfig(Config):
    """Options on the overlap of labels of two texts; a :class:`LabelOverlap` of one label a text ignores them."""

    overlap: Overlap = Field(
        "jaccard",
        description="overlap of the labels of two texts, where texts have several labels or shares; any: 1 if they "
        "share a label, exact: 1 if they have the same labels, cooccurrence: labels that occur together in training "
        "rows overlap too",
    )
    cooccurrence_weight: float = Field(
        RHO, ge=0, le=1, description="weight of co-occurrence in --overlap cooccurrence (rho); 0 gives cosine"
    )
    neutral: Literal["apart", "label"] = Field(
        "apart",
        description="pairs of texts that share no label but background such as neutral, or have no labels, where "
        "texts have several labels or shares; apart: neither positives nor negatives, label: compared as others",
    )

    @model_validator(mode="after")
    def _use_weight(self) -> Self:
        # Only another value than the default is refused: a run's settings name every option.
        if self.overlap != "cooccurrence" and self.cooccurrence_weight != RHO:
            raise ValueError(
                f"--cooccurrence-weight needs --overlap cooccurrence, but it is {self.overlap}; add --overlap "
                "cooccurrence or leave --cooccurrence-weight out"
            )
        return self


class LabelOverlap(nn.Module):
    """The overlap of the labels of all pairs of texts of a batch.

    Args:
        config: the options.
        task: the labels, their labelling and their background.
        elsewhere: True if :attr:`kernel` is copied from other rows than the run's, so that texts with one label each
            can have it too.

    Attributes:
        graded: True if overlaps can lie between 0 and 1.
        kernel: ``[C, C]``, similarity of labels, a saved buffer; for ``cooccurrence`` alone.
        background: bool ``[C]``, True for the data set's background labels, if a pair can have them alone in common.
    """

    kernel: Tensor
    background: Tensor

    def __init__(self, config: OverlapConfig, task: Task, *, elsewhere: bool = False):
        super().__init__()
        self.config = config
        several = task.labelling == "multi" or task.soft
        self.graded = several or config.overlap == "cooccurrence"
        if config.overlap == "cooccurrence":
            if not (several or elsewhere):
                raise UsageError(
                    "--overlap cooccurrence needs texts with several labels or shares of labels, but "
                    f"{task.dataset} gives one label a text, so that no labels occur together; leave --overlap out"
                )
            self.register_buffer("kernel", torch.eye(task.classes))
        if self.graded or task.background:
            background = torch.tensor([label in task.background for label in task.labels])
            self.register_buffer("background", background, persistent=False)

    def fit(self, stage: Stage) -> None:
        """Compute the kernel of labels from the training rows, if ``cooccurrence`` needs it."""
        if self.config.overlap == "cooccurrence":
            self.kernel.copy_(cooccurrence_kernel(stage.targets["train"], self.config.cooccurrence_weight))

    def forward(self, truth: Tensor, rows: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Return the targets of a batch's pairs and a mask of the pairs to leave out.

        For labels, the targets are these labels, and no pair is left out (None). Else they are the overlap of each
        pair, float ``[N, N]``, and the mask is bool ``[N, N]``; None for ``--neutral label``.

        Args:
            truth: ``batch.truth``: labels, int64 ``[N]``, or targets, float ``[N, C]``.
            rows: ``batch.rows``, int64 ``[N]``, equal for views of one text, which are never left out.
        """
        if truth.dim() == 1:
            return truth, None
        kernel = self.kernel if self.config.overlap == "cooccurrence" else None
        values = overlap(truth, self.config.overlap, kernel)
        if self.config.neutral == "label":
            return values, None
        left_out = background_pairs(truth, self.background)
        if rows is not None:
            left_out = left_out & (rows[:, None] != rows)
        return values.masked_fill(left_out, 0.0), left_out
