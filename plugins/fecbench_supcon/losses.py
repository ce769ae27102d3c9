"""The supervised contrastive loss (Khosla et al., Supervised Contrastive Learning, NeurIPS 2020)."""

from typing import Literal

import torch
from torch import Tensor

from fecbench import anchor_losses, mean_of_anchors, similarities

DivideBy = Literal["overlap", "count"]


def supcon_loss(
    features: Tensor,
    targets: Tensor,
    *,
    temperature: float,
    base_temperature: float | None = None,
    contrast_mode: Literal["all", "one"] = "all",
    empty_anchor: Literal["zero", "skip"] = "zero",
    left_out: Tensor | None = None,
    divide_by: DivideBy = "overlap",
) -> Tensor:
    """Return the supervised contrastive loss of a batch (equation 2, the sum over positives outside the logarithm).

    For each anchor it is the mean over its positives of ``-log softmax`` of cosine similarities over
    ``temperature``, the softmax over all other rows; then the mean over anchors. If no anchor has a
    positive, loss and gradient are 0.

    If labels overlap by degrees, the mean over positives is weighted by the overlap. The loss of an anchor is then
    the cross-entropy of its overlaps, divided by their sum, and the softmax. It is least where similarities are the
    logarithms of overlaps, but for a constant.

    Args:
        features: ``[N, d]``, normalised here; bf16 and float16 are raised to float32.
        targets: labels, int ``[N]``; or the overlap of each pair's labels, float ``[N, N]``, as ``fecbench.overlap``
            returns it.
        temperature: tau.
        base_temperature: scale the loss by ``temperature / base_temperature``, as the released code does;
            None: don't.
        contrast_mode: anchors; ``"all"`` rows, or ``"one"`` view, the first half of rows that hold first
            views, then second views.
        empty_anchor: count an anchor without positives as 0 (``"zero"``), or leave it out of the mean
            (``"skip"``).
        left_out: bool ``[N, N]``, True for pairs that are neither positives nor in the softmax.
        divide_by: divide an anchor's sum over its positives by the sum of their overlaps (``"overlap"``), or by their
            number (``"count"``), as MultiSupCon does: anchors whose positives overlap little then count less. Of
            labels both are the same.

    Raises:
        ValueError: a temperature isn't positive, or another argument has an unknown value.

    >>> round(supcon_loss(torch.ones(5, 3), torch.zeros(5), temperature=0.3).item(), 6)  # log 4
    1.386294
    """
    if divide_by not in ("overlap", "count"):
        raise ValueError(f"divide_by must be 'overlap' or 'count', found {divide_by!r}")
    if base_temperature is not None and not base_temperature > 0:
        raise ValueError(f"base_temperature must be positive, found {base_temperature}")
    scale = 1.0 if base_temperature is None else temperature / base_temperature
    anchors = _anchors(len(targets), contrast_mode)  # the first rows, so that slices select their similarities
    with torch.autocast(features.device.type, enabled=False):  # autocast would multiply the features in bf16
        similarity = similarities(features, temperature)[:anchors]
        candidate = ~torch.eye(len(targets), dtype=torch.bool, device=targets.device)[:anchors]
        if left_out is not None:
            candidate = candidate & ~left_out[:anchors]
        if targets.dim() == 1:
            positive = (targets[:anchors, None] == targets) & candidate
        else:
            positive = targets[:anchors].to(similarity.dtype) * candidate
        losses = anchor_losses(similarity, positive, candidate)
        if divide_by == "count":
            losses = losses * _mean_overlap(positive)
        return scale * mean_of_anchors(losses, positive, empty_anchor)


def _anchors(rows: int, contrast_mode: str) -> int:
    """Return the number of anchors, which are the first rows.

    Raises:
        ValueError: the mode is unknown, or ``"one"`` is asked of an odd number of rows.
    """
    if contrast_mode not in ("all", "one"):
        raise ValueError(f"contrast_mode must be 'all' or 'one', found {contrast_mode!r}")
    if contrast_mode == "one" and rows % 2:
        raise ValueError(f"contrast_mode 'one' needs two views of every text, an even number of rows, found {rows}")
    return rows if contrast_mode == "all" else rows // 2


def _mean_overlap(positive: Tensor) -> Tensor:
    """Return the mean overlap ``[A]`` of each anchor's positives; 0 without positives.

    Args:
        positive: overlaps ``[A, N]``, 0 for rows that are no positives; or bool.
    """
    return positive.sum(1) / (positive > 0).sum(1).clamp(min=1)
