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
    valid = torch.ones_like(target, dtype=torch.bool) if valid is None else valid
    positive, negative = valid & (target > 0.5), valid & (target <= 0.5)
    margins = torch.where(target > 0.5, logits, -logits)
    losses = softplus(-margins.masked_fill(~valid, 0.0))  # -log s of a positive, -log(1 - s) of a negative
    weight_pos = w_pos * positive.any().to(losses.dtype)
    weight_neg = (1 - w_pos) * negative.any().to(losses.dtype)
    total = weight_pos * _mean(losses, positive) + weight_neg * _mean(losses, negative)
    # Without any pair both weights are 0; the clamp, which no other case reaches, avoids 0 / 0.
    return total / (weight_pos + weight_neg).clamp(min=min(w_pos, 1 - w_pos))


def _mean(values: Tensor, where: Tensor) -> Tensor:
    """Return the mean of ``values`` at ``where``, or 0 if ``where`` selects none."""
    # Filled, not multiplied by 0, which would turn an infinity elsewhere into NaN.
    return values.masked_fill(~where, 0.0).sum() / where.sum().clamp(min=1)
