"""Hard-pair mining (AML paper, section 3.3.1) and the strategies that it is compared with."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize

STRATEGIES = ("topk", "threshold", "uniform", "batch-topk")


class HardPairs(NamedTuple):
    """Pairs of rows of a batch.

    The number of slots P depends on shapes alone, so that no count has to be copied from the device.

    Attributes:
        i: int64 ``[P]``, first row of each pair.
        j: int64 ``[P]``, second row of each pair.
        target: float ``[P]``, 1 for a hard positive, 0 for a hard negative.
        valid: bool ``[P]``, False in slots that hold no pair.
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
    """Mine hard pairs of a batch by cosine similarity ``o``; among equal similarities the lower index comes first.

    - ``topk`` (the paper): per anchor, the ``k_pos`` least similar rows of its label and the ``k_neg`` most
      similar rows of other labels. ``B * (k_pos + k_neg)`` slots; counts above B are cut to B.
    - ``threshold`` (AML-threshold, section 4.3): each unordered pair once if it has one label and ``o <
      threshold``, or two labels and ``o >= threshold``. ``B (B - 1) / 2`` slots.
    - ``uniform`` (AML w/o hard, section 4.3): per anchor, ``k_pos`` rows of its label and ``k_neg`` rows of
      other labels, drawn without replacement. As many slots as ``topk``.
    - ``batch-topk`` (the released code): the hardest ``k_pos`` and ``k_neg`` unordered pairs of the whole
      batch. ``k_pos + k_neg`` slots; counts above ``B (B - 1) / 2`` are cut to it.

    Args:
        z: features ``[B, d]``, of any float type; compared in float32 at least.
        labels: int ``[B]``.
        k_pos: hard positives per anchor (``batch-topk``: per batch), 0 or more.
        k_neg: hard negatives per anchor (``batch-topk``: per batch), 0 or more.
        strategy: one of the four above.
        threshold: similarity that separates hard from easy pairs; only for ``threshold``.
        generator: source of randomness, on the device of ``z``; only for ``uniform``.

    Raises:
        ValueError: a count is negative or the strategy unknown.

    >>> z, labels = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.1]]), torch.tensor([0, 0, 1])
    >>> pairs = mine_hard_pairs(z, labels, k_pos=1, k_neg=1)
    >>> [(i, j, t) for i, j, t, v in zip(*(x.tolist() for x in pairs)) if v]
    [(0, 1, 1.0), (1, 0, 1.0), (0, 2, 0.0), (1, 2, 0.0), (2, 0, 0.0)]
    """
    if k_pos < 0 or k_neg < 0:
        raise ValueError(f"k_pos and k_neg must be 0 or more, found {k_pos} and {k_neg}")
    same = labels[:, None] == labels[None, :]
    match strategy:
        case "topk":
            return _of_each_anchor(_similarity(z), same, k_pos, k_neg)
        case "uniform":  # the rows with the smallest independent noise are a sample without replacement
            noise = torch.rand(same.shape, generator=generator, device=z.device)
            return _of_each_anchor(noise, same, k_pos, k_neg)
        case "threshold":
            return _beyond_threshold(_similarity(z), same, threshold)
        case "batch-topk":
            return _of_the_batch(_similarity(z), same, k_pos, k_neg)
    raise ValueError(f"strategy must be one of {', '.join(STRATEGIES)}, found {strategy!r}")


def _similarity(z: Tensor) -> Tensor:
    """Return the cosines ``[B, B]`` of all rows."""
    with torch.autocast(z.device.type, enabled=False):  # in bf16 near-equal cosines would tie, and the index decide
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
    """Mine the whole batch: treat all unordered pairs as the candidates of a single anchor."""
    i, j = _unordered(same)
    alike, distance = same[i, j][None], similarity[i, j][None]
    positives, negatives = _nearest(distance, alike, k_pos, 1.0), _nearest(-distance, ~alike, k_neg, 0.0)
    _, pair, target, valid = (torch.cat(parts) for parts in zip(positives, negatives, strict=True))
    return HardPairs(i[pair], j[pair], target, valid)


def _unordered(same: Tensor) -> tuple[Tensor, Tensor]:
    """Return the row numbers ``i < j`` of every unordered pair."""
    i, j = torch.triu_indices(len(same), len(same), 1, device=same.device)
    return i, j


def _nearest(distance: Tensor, candidates: Tensor, k: int, target: float) -> HardPairs:
    """Pair each row with its ``k`` candidates of smallest ``distance``."""
    anchors, others = distance.shape
    k = min(k, others)
    # A stable sort, not torch.topk, which guarantees no order among equal values.
    order = distance.masked_fill(~candidates, torch.inf).sort(dim=1, stable=True).indices[:, :k]
    i = torch.arange(anchors, device=distance.device).repeat_interleave(k)
    return HardPairs(
        i, order.flatten(), distance.new_full((anchors * k,), target), candidates.gather(1, order).flatten()
    )
