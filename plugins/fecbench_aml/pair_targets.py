"""The targets of pairs of texts: how much their labels overlap, and which pairs have none."""

from torch import Tensor

from fecbench import Batch, LabelOverlap, OverlapConfig, Task, background_pairs


class PairTargets(LabelOverlap):
    """The targets of the pairs of a batch or a split.

    Texts with one label each need no overlaps: two of them have one label or two, and their labels say which.
    """

    def __init__(self, config: OverlapConfig, task: Task):
        super().__init__(config, task, elsewhere=True)  # fecbench_aml.cooccurrence can read another data set
        self.apart = config.neutral == "apart" and bool(task.background)

    def of_batch(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        """Return the labels ``[B]`` or overlaps ``[B, B]`` to mine by, and the mask ``[B, B]`` of pairs left out."""
        if self.graded:
            return self._overlaps(batch.targets)
        return batch.labels, background_pairs(batch.targets, self.background) if self.apart else None

    def of_split(self, targets: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return the same of the targets ``[N, C]`` of many texts, computed once for texts of equal targets."""
        distinct, number = targets.unique(dim=0, return_inverse=True)
        pairs = number[:, None], number
        if self.graded:
            overlaps, left_out = self._overlaps(distinct)
            return overlaps[pairs], None if left_out is None else left_out[pairs]
        return targets.argmax(1), background_pairs(distinct, self.background)[pairs] if self.apart else None

    def _overlaps(self, targets: Tensor) -> tuple[Tensor, Tensor | None]:
        overlaps, left_out = self(targets)
        return overlaps, left_out
