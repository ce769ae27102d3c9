"""Attention among packed texts: each token attends to its own text alone.

Tokens are scattered to a padded grid, attend there under a mask (with attention dropout, as usual), and are gathered back. Outputs and
gradients are those of the padded computation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

if TYPE_CHECKING:
    from torch import Tensor, nn

    from fecbench.packing import Grid

IMPLEMENTATION = "fecbench_packed"


def packed_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    grid: Grid | None = None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """An attention function for transformers: packed where a ``grid`` comes with the call, its usual sdpa otherwise.

    ``query``, ``key`` and ``value`` are ``[1, heads, T, width]``; the result is ``[1, T, heads, width]``.
    """
    if grid is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **kwargs)
    texts, longest = grid.mask.shape

    def padded(packed: Tensor) -> Tensor:
        rows = packed[0].transpose(0, 1)  # [T, heads, width]
        empty = rows.new_zeros(texts * longest, *rows.shape[1:])
        return empty.index_copy(0, grid.slots, rows).view(texts, longest, *rows.shape[1:]).transpose(1, 2)

    mask = grid.mask[:, None, None, :]
    states = scaled_dot_product_attention(padded(query), padded(key), padded(value), attn_mask=mask, dropout_p=dropout, scale=scaling)
    return states.transpose(1, 2).flatten(0, 1)[grid.slots][None], None


AttentionInterface.register(IMPLEMENTATION, packed_attention)
AttentionMaskInterface.register(IMPLEMENTATION, sdpa_mask)
