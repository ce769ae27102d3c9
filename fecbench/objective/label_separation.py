"""The separation of labels: a loss that drives apart labels that answer alike (TACO, Gong, Yang, Shen 2025, after its released code)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import normalize

VANISHING = 1e-4


def label_pair_weights(logits: Tensor) -> Tensor:
    """For each pair of labels a < b the cosine of their columns of logits, ``[C (C - 1) / 2]``: how alike they answer to the batch.

    The weights of TACO's label-label loss, before their sum is made 1 (Gong, Yang, Shen 2025).

    Args:
        logits: ``[B, C]``; bf16 and float16 are raised to float32.
    """
    columns = normalize(logits.to(torch.promote_types(logits.dtype, torch.float32)), dim=0, eps=1e-8)
    return _pairs(columns.T @ columns)


def label_separation_loss(
    label_states: Tensor, weights: Tensor, *, label_weights: Literal["signed", "clamped"] = "signed"
) -> Tensor:
    """``exp`` of the weighted mean of the cosines of all pairs of labels: it is lowered by driving apart labels that answer alike.

    TACO's label-label loss (Gong, Yang, Shen 2025): ``exp(sum over a < b of w_ab cos(e_a, e_b) / sum of w_ab)``.

    Args:
        label_states: ``[C, hidden]``; bf16 and float16 are raised to float32.
        weights: ``[C (C - 1) / 2]``, of :func:`label_pair_weights`.
        label_weights: ``"signed"`` takes the weights as they are, with their gradient, over their sum, which can be negative (the released
            code); where the sum vanishes (below 1e-4) the loss is 0. ``"clamped"`` counts negative ones as 0, without gradient.

    Raises:
        ValueError: ``label_weights`` is neither.

    >>> round(label_separation_loss(torch.ones(3, 2), torch.tensor([0.5, -0.2, 1.0])).item(), 4)  # all labels alike: e
    2.7183
    """
    if label_weights not in ("signed", "clamped"):
        raise ValueError(f"label_weights must be 'signed' or 'clamped', found {label_weights!r}")
    with torch.autocast(label_states.device.type, enabled=False):
        states = normalize(label_states.to(torch.promote_types(label_states.dtype, torch.float32)), eps=1e-8)
        cosines = _pairs(states @ states.T)
        if label_weights == "clamped":
            clamped = weights.detach().relu()
            return ((clamped * cosines).sum() / (clamped.sum() + 1e-8)).exp()
        total = weights.sum()
        vanishes = total.abs() < VANISHING
        exponent = (weights * cosines).sum() / torch.where(vanishes, 1.0, total)
        return (
            torch.where(vanishes, 0.0, exponent).exp() * ~vanishes
        )  # twice, lest what vanishes leaves an infinite gradient


def _pairs(square: Tensor) -> Tensor:
    """The entries of ``square [C, C]`` above the diagonal."""
    a, b = torch.triu_indices(len(square), len(square), 1, device=square.device)
    return square[a, b]
