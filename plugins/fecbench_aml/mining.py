"""Targeted hard pairs (the paper, section 3.3.1)."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize


class HardPairs(NamedTuple):
    """Pairs of rows, in arrays of a length that depends on shapes alone, so that no device is asked for a count.

    ``i`` and ``j`` int64 ``[P]``; ``target`` float ``[P]``, 1 for a hard positive and 0 for a hard negative; ``valid`` bool ``[P]``, False
    in slots that hold no pair.
    """

    i: Tensor
    j: Tensor
    target: Tensor
    valid: Tensor


@torch.no_grad()
def mine_hard_pairs(z: Tensor, labels: Tensor, *, k_pos: int, k_neg: int, strategy: str = "topk") -> HardPairs:
    """The pairs of a batch that are hardest under cosine similarity.

    ``topk``: for each anchor the ``k_pos`` least similar rows of its own label and the ``k_neg`` most similar rows of other labels; of
    equal similarities the lower index first. ``B * (k_pos + k_neg)`` slots.

    Args:
        z: features ``[B, d]``, of any float type; compared in float32 at least.
        labels: int ``[B]``.
        k_pos: hard positives of each anchor, 0 or more.
        k_neg: hard negatives of each anchor, 0 or more.
        strategy: ``topk``.

    Raises:
        ValueError: a count is negative or the strategy unknown.

    >>> pairs = mine_hard_pairs(torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.1]]), torch.tensor([0, 0, 1]), k_pos=1, k_neg=1)
    >>> [(i, j, t) for i, j, t, v in zip(*(x.tolist() for x in pairs)) if v]
    [(0, 1, 1.0), (1, 0, 1.0), (0, 2, 0.0), (1, 2, 0.0), (2, 0, 0.0)]
    """
    if k_pos < 0 or k_neg < 0:
        raise ValueError(f"k_pos and k_neg must be 0 or more, found {k_pos} and {k_neg}")
    if strategy != "topk":
        raise ValueError(f"strategy must be 'topk', found {strategy!r}")
    with torch.autocast(z.device.type, enabled=False):
        unit = normalize(z.detach().to(torch.promote_types(z.dtype, torch.float32)))
        similarity = unit @ unit.T
    same = labels[:, None] == labels[None, :]
    itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    positives = _nearest(similarity, same & ~itself, k_pos, 1.0)
    negatives = _nearest(-similarity, ~same, k_neg, 0.0)
    return HardPairs(*(torch.cat(parts) for parts in zip(positives, negatives, strict=True)))


def _nearest(distance: Tensor, candidates: Tensor, k: int, target: float) -> HardPairs:
    """For each row the ``k`` candidates of least ``distance``, by a stable sort: ``topk`` promises no order among equals."""
    anchors = len(distance)
    order = distance.masked_fill(~candidates, torch.inf).sort(dim=1, stable=True).indices[:, :k]
    valid = candidates.gather(1, order)
    unused = k - order.shape[1]  # k may exceed the batch
    j = torch.nn.functional.pad(order, (0, unused)).flatten()
    valid = torch.nn.functional.pad(valid, (0, unused), value=False).flatten()
    i = torch.arange(anchors, device=distance.device).repeat_interleave(k)
    return HardPairs(i, j, distance.new_full((anchors * k,), target), valid)
