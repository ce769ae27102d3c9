"""The adversarial metric learning loss (AML paper, definition 2 and section 3.3.3)."""

import torch
from torch import Tensor
from torch.nn.functional import softplus


def aml_loss(logits: Tensor, target: Tensor, *, w_pos: float = 0.5, valid: Tensor | None = None) -> Tensor:
    """Return the weighted binary cross-entropy of hard pairs, ``L_aml`` (definition 2).

    It is ``w_pos`` times the mean of ``-log s`` over hard positives plus ``1 - w_pos`` times the mean of
    ``-log(1 - s)`` over hard negatives. If one kind has no valid pairs, the other kind has weight 1.
    Without any pair the loss is 0 and still attached to the graph.

    Args:
        logits: ``[P]``, logits of the scores s; bf16 and float16 are raised to float32.
        target: ``[P]``, 1 for a hard positive, 0 for a hard negative.
        w_pos: weight of the hard positives, between 0 and 1, both excluded.
        valid: bool ``[P]``, True in slots that hold a pair; all by default.

    Raises:
        ValueError: ``w_pos`` isn't between 0 and 1.

    >>> aml_loss(torch.zeros(2), torch.tensor([1.0, 0.0]))
    tensor(0.6931)
    """
    if not 0 < w_pos < 1:
        raise ValueError(f"w_pos must lie between 0 and 1, both excluded, found {w_pos}")
    with torch.autocast(logits.device.type, enabled=False):
        return _weighted(logits.to(torch.promote_types(logits.dtype, torch.float32)), target, w_pos, valid)


def _weighted(logits: Tensor, target: Tensor, w_pos: float, valid: Tensor | None) -> Tensor:
    empty = torch.zeros_like(target, dtype=torch.bool) if valid is None else ~valid
    # -log s of a positive and -log(1 - s) of a negative are softplus(-a) and softplus(a). Empty slots are filled: their
    # weight of 0 would turn an infinity into NaN.
    opposed = ((1 - 2 * target) * logits).masked_fill(empty, 0.0)
    return (_pair_weights(target > 0.5, empty, w_pos, logits.dtype) * softplus(opposed)).sum()


def _pair_weights(positive: Tensor, empty: Tensor, w_pos: float, dtype: torch.dtype) -> Tensor:
    """Return each pair's weight in the loss, ``[P]``; they sum to 1, or are all 0 if there is no pair."""
    positives = (positive & ~empty).sum(dtype=dtype)
    negatives = (~empty).sum(dtype=dtype) - positives
    pairs_per_weight = torch.where(positive, positives / w_pos, negatives / (1 - w_pos))
    weights = pairs_per_weight.reciprocal().masked_fill(empty, 0.0)
    # The sum is less than 1 if a kind has no pairs. Without any pair it is 0: the clamp, which no other case reaches,
    # avoids 0 / 0.
    return weights / weights.sum().clamp(min=min(w_pos, 1 - w_pos) / 2)
