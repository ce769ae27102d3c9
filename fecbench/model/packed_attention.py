"""Attention restricted to the tokens of one text, for texts packed one after another.

Tokens are scattered to padded grids, one for each group of texts of similar length, attend there under a mask (with
attention dropout, as usual), and are gathered back. Outputs and gradients equal those of the padded computation
(ADR 1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

if TYPE_CHECKING:
    from torch import Tensor, nn

    from fecbench.data.tokens import PaddingGrid


IMPLEMENTATION = "fecbench_packed"


def packed_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    grids: tuple[PaddingGrid, ...] | None = None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """Compute attention within each text if ``grids`` is given, else transformers' usual sdpa.

    Has the signature of a transformers attention function. ``query``, ``key`` and ``value`` are
    ``[1, heads, T, width]``; the result is ``[1, T, heads, width]`` and no attention weights.
    """
    if grids is None:
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **kwargs
        )
    rows = [packed[0].transpose(0, 1) for packed in (query, key, value)]  # [T, heads, width]
    states = []
    # One grid per group of similar lengths: in a single grid a long text would pad all short ones to its length.
    for grid in grids:
        q, k, v = (grid_of(packed[grid.start : grid.end], grid) for packed in rows)
        attended = scaled_dot_product_attention(
            q, k, v, attn_mask=grid.mask[:, None, None, :], dropout_p=dropout, scale=scaling
        )
        states.append(attended.transpose(1, 2).flatten(0, 1)[grid.slots])
    return torch.cat(states)[None], None


def grid_of(rows: Tensor, grid: PaddingGrid) -> Tensor:
    """Scatter the ``rows [t, heads, width]`` of a grid's tokens to ``[B, heads, L, width]``; padding is 0."""
    texts, longest = grid.mask.shape
    empty = rows.new_zeros(texts * longest, *rows.shape[1:])
    return empty.index_copy(0, grid.slots, rows).view(texts, longest, *rows.shape[1:]).transpose(1, 2)


AttentionInterface.register(IMPLEMENTATION, packed_attention)
# Calls without grids attend by sdpa and need its mask.
AttentionMaskInterface.register(IMPLEMENTATION, sdpa_mask)
