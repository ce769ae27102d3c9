"""The targets of pairs of texts: how much their labels overlap, and which pairs have none."""

from torch import Tensor

from fecbench import Batch, LabelOverlap


class PairTargets(LabelOverlap):
    """The targets of the pairs of a batch or a split.

    Texts with one label each need no overlaps: two of them have one label or two, and their labels say which.
    """

    def of_batch(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        """Return the labels ``[B]`` or overlaps ``[B, B]`` to mine by, and the mask ``[B, B]`` of pairs left out."""
        targets, left_out = self(batch.targets if self.graded else batch.labels)
        return targets, left_out

    def of_split(self, targets: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return the same of the targets ``[N, C]`` of many texts, computed once for texts of equal targets."""
        if not self.graded:
            return targets.argmax(1), None
        distinct, number = targets.unique(dim=0, return_inverse=True)
        pairs = number[:, None], number
        overlaps, left_out = self(distinct)
        return overlaps[pairs], None if left_out is None else left_out[pairs]
