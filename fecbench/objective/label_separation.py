"""TACO's label-label loss, which separates the embeddings of labels with similar logits (Gong, Yang, Shen 2025).

It follows the released code.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import normalize

# A sum of weights below this counts as 0. Weights are cosines of either sign, and the loss divides by their sum: near 0
# it would explode.
VANISHING = 1e-4


def label_pair_weights(logits: Tensor, cooccurrence: Tensor | None = None) -> Tensor:
    """Return the cosine of the logit columns of each pair of labels a < b, ``[C (C - 1) / 2]``.

    These are the weights of TACO's label-label loss before normalisation (Gong, Yang, Shen 2025). With
    ``cooccurrence`` g, each is multiplied by ``1 - g_ab``, so that the loss doesn't separate labels that go together:
    fecbench's variant for texts with several labels.

    Args:
        logits: ``[B, C]``; bf16 and float16 are raised to float32.
        cooccurrence: ``[C, C]`` between 0 and 1, 0 for labels that never occur together, as
            ``cooccurrence_kernel(targets, rho=1)`` returns it.

    >>> label_pair_weights(torch.ones(1, 3), torch.tensor([[1, 0, 0.25], [0, 1, 0], [0.25, 0, 1]]))
    tensor([1.0000, 0.7500, 1.0000])
    """
    with torch.autocast(logits.device.type, enabled=False):  # autocast would multiply the columns in bf16
        columns = normalize(logits.to(torch.promote_types(logits.dtype, torch.float32)), dim=0, eps=1e-8)
        weights = _pairs(columns.T @ columns)
        return weights if cooccurrence is None else weights * (1 - _pairs(cooccurrence))


def label_separation_loss(
    label_states: Tensor, weights: Tensor, *, label_weights: Literal["signed", "clamped"] = "signed"
) -> Tensor:
    """Return the exponential of the weighted mean cosine over all pairs of labels, a scalar.

    TACO's label-label loss (Gong, Yang, Shen 2025): ``exp(sum over a < b of w_ab cos(e_a, e_b) / sum of w_ab)``. It
    falls as the embeddings of labels with similar logits move apart.

    Args:
        label_states: ``[C, hidden]``, the label embeddings e; bf16 and float16 are raised to float32.
        weights: ``[C (C - 1) / 2]``, from :func:`label_pair_weights`.
        label_weights: ``"signed"`` uses the weights as they are, with gradient, divided by their sum, which can be
            negative (the released code); if the sum's magnitude is below 1e-4, the loss is 0. ``"clamped"`` sets
            negative weights to 0 and uses no gradient of the weights.

    Raises:
        ValueError: ``label_weights`` is neither ``"signed"`` nor ``"clamped"``.

    >>> round(label_separation_loss(torch.ones(3, 2), torch.tensor([0.5, -0.2, 1.0])).item(), 4)  # equal labels: e
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
        # where() before the division and again before exp(): an infinity in the branch that isn't used would make
        # its gradient NaN.
        exponent = (weights * cosines).sum() / torch.where(vanishes, 1.0, total)
        return torch.where(vanishes, 0.0, exponent).exp() * ~vanishes


def _pairs(square: Tensor) -> Tensor:
    """Return the entries of ``square [C, C]`` above the diagonal, ``[C (C - 1) / 2]``."""
    a, b = torch.triu_indices(len(square), len(square), 1, device=square.device)
    return square[a, b]
