"""The targets of pairs of texts: how much their labels overlap, and which pairs have none."""

from typing import Literal

import torch
from torch import Tensor, nn

from fecbench import Batch, Task, background_pairs, overlap

Kind = Literal["jaccard", "dice", "cosine", "bhattacharyya", "agreement", "cooccurrence"]
Neutral = Literal["apart", "label"]


class PairTargets(nn.Module):
    """The targets of the pairs of a batch or a split.

    Texts with one label each need no overlaps: two of them have one label or two, and their labels say which.

    Args:
        task: the labels, their labelling and their background.
        kind: overlap of the labels of two texts (``fecbench.overlap``).
        neutral: ``"apart"`` leaves out the pairs that share no label but background, such as neutral, and the pairs of
            two texts without labels: they are neither positives nor negatives. ``"label"`` leaves out none.

    Attributes:
        graded: True if targets can lie between 0 and 1.
        kernel: ``[C, C]``, similarity of labels for ``cooccurrence``, the identity at first; None for other kinds.
        background: bool ``[C]``, True for background; None if no pair is left out.
    """

    kernel: Tensor | None
    background: Tensor | None

    def __init__(self, task: Task, kind: Kind = "jaccard", neutral: Neutral = "apart"):
        super().__init__()
        self.kind = kind
        self.graded = task.labelling == "multi" or task.soft or kind == "cooccurrence"
        self.register_buffer("kernel", torch.eye(task.classes) if kind == "cooccurrence" else None)
        apart = neutral == "apart" and (task.labelling == "multi" or bool(task.background))
        background = torch.tensor([label in task.background for label in task.labels]) if apart else None
        self.register_buffer("background", background, persistent=False)

    def of_batch(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        """Return the labels ``[B]`` or overlaps ``[B, B]`` to mine by, and the mask ``[B, B]`` of pairs left out."""
        truth = overlap(batch.targets, self.kind, self.kernel) if self.graded else batch.labels
        return truth, None if self.background is None else background_pairs(batch.targets, self.background)

    def of_split(self, targets: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return the same of the targets ``[N, C]`` of many texts, computed once for texts of equal targets."""
        distinct, number = targets.unique(dim=0, return_inverse=True)
        pairs = number[:, None], number
        truth = overlap(distinct, self.kind, self.kernel)[pairs] if self.graded else targets.argmax(1)
        return truth, None if self.background is None else background_pairs(distinct, self.background)[pairs]
