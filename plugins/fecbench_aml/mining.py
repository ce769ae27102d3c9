"""Targeted hard pairs (the paper, section 3.3.1), and the other ways of picking pairs that it is compared with."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize

STRATEGIES = ("topk", "threshold", "uniform", "batch-topk")


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
def mine_hard_pairs(
    z: Tensor,
    labels: Tensor,
    *,
    k_pos: int,
    k_neg: int,
    strategy: str = "topk",
    threshold: float = 0.5,
    generator: torch.Generator | None = None,
) -> HardPairs:
    """Pairs of a batch, by cosine similarity ``o``; of equal similarities the lower index first.

    - ``topk`` (the paper): for each anchor the ``k_pos`` least similar rows of its own label and the ``k_neg`` most similar rows of other
      labels. ``B * (k_pos + k_neg)`` slots; a count beyond B is B.
    - ``threshold``: each unordered pair once, alike with ``o < threshold``, unlike with ``o >= threshold``. ``B (B - 1) / 2`` slots.
    - ``uniform``: for each anchor ``k_pos`` rows of its own and ``k_neg`` of other labels, drawn without replacement. Slots as ``topk``.
    - ``batch-topk`` (the released code): the hardest ``k_pos`` and ``k_neg`` unordered pairs of the whole batch. ``k_pos + k_neg`` slots; a
      count beyond all ``B (B - 1) / 2`` pairs is that.

    Args:
        z: features ``[B, d]``, of any float type; compared in float32 at least.
        labels: int ``[B]``.
        k_pos: hard positives of each anchor (or of the batch), 0 or more.
        k_neg: hard negatives of each anchor (or of the batch), 0 or more.
        strategy: one of the four above.
        threshold: the similarity that parts easy from hard; ``threshold`` only.
        generator: of the device of ``z``; ``uniform`` only.

    Raises:
        ValueError: a count is negative or the strategy unknown.

    >>> pairs = mine_hard_pairs(torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.1]]), torch.tensor([0, 0, 1]), k_pos=1, k_neg=1)
    >>> [(i, j, t) for i, j, t, v in zip(*(x.tolist() for x in pairs)) if v]
    [(0, 1, 1.0), (1, 0, 1.0), (0, 2, 0.0), (1, 2, 0.0), (2, 0, 0.0)]
    """
    if k_pos < 0 or k_neg < 0:
        raise ValueError(f"k_pos and k_neg must be 0 or more, found {k_pos} and {k_neg}")
    same = labels[:, None] == labels[None, :]
    match strategy:
        case "topk":
            return _of_each_anchor(_similarity(z), same, k_pos, k_neg)
        case "uniform":  # the least of independent noise are a sample without replacement
            noise = torch.rand(same.shape, generator=generator, device=z.device)
            return _of_each_anchor(noise, same, k_pos, k_neg)
        case "threshold":
            return _beyond_threshold(_similarity(z), same, threshold)
        case "batch-topk":
            return _of_the_batch(_similarity(z), same, k_pos, k_neg)
    raise ValueError(f"strategy must be one of {', '.join(STRATEGIES)}, found {strategy!r}")


def _similarity(z: Tensor) -> Tensor:
    """Cosines ``[B, B]``."""
    with torch.autocast(z.device.type, enabled=False):
        unit = normalize(z.detach().to(torch.promote_types(z.dtype, torch.float32)))
        return unit @ unit.T


def _of_each_anchor(similarity: Tensor, same: Tensor, k_pos: int, k_neg: int) -> HardPairs:
    itself = torch.eye(len(same), dtype=torch.bool, device=same.device)
    positives = _nearest(similarity, same & ~itself, k_pos, 1.0)
    negatives = _nearest(-similarity, ~same, k_neg, 0.0)
    return HardPairs(*(torch.cat(parts) for parts in zip(positives, negatives, strict=True)))


def _beyond_threshold(similarity: Tensor, same: Tensor, threshold: float) -> HardPairs:
    i, j = _unordered(same)
    alike, close = same[i, j], similarity[i, j] >= threshold
    return HardPairs(i, j, alike.to(similarity.dtype), alike != close)


def _of_the_batch(similarity: Tensor, same: Tensor, k_pos: int, k_neg: int) -> HardPairs:
    """All unordered pairs as the candidates of one anchor, and back."""
    i, j = _unordered(same)
    alike, distance = same[i, j][None], similarity[i, j][None]
    positives, negatives = _nearest(distance, alike, k_pos, 1.0), _nearest(-distance, ~alike, k_neg, 0.0)
    _, pair, target, valid = (torch.cat(parts) for parts in zip(positives, negatives, strict=True))
    return HardPairs(i[pair], j[pair], target, valid)


def _unordered(same: Tensor) -> tuple[Tensor, Tensor]:
    """Row numbers ``i < j`` of every unordered pair."""
    i, j = torch.triu_indices(len(same), len(same), 1, device=same.device)
    return i, j


def _nearest(distance: Tensor, candidates: Tensor, k: int, target: float) -> HardPairs:
    """For each row the ``k`` candidates of least ``distance``, by a stable sort: ``topk`` promises no order among equals."""
    anchors, others = distance.shape
    k = min(k, others)
    order = distance.masked_fill(~candidates, torch.inf).sort(dim=1, stable=True).indices[:, :k]
    i = torch.arange(anchors, device=distance.device).repeat_interleave(k)
    return HardPairs(
        i, order.flatten(), distance.new_full((anchors * k,), target), candidates.gather(1, order).flatten()
    )
