"""Attention restricted to the tokens of one text, for texts packed one after another.

Tokens are copied to padded grids, one for each group of texts of similar length, attend there under a mask (with
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

from fecbench.data.gather import place, take

if TYPE_CHECKING:
    from torch import Tensor, nn

    from fecbench.data.layout import Layout


IMPLEMENTATION = "fecbench_packed"


def packed_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    layout: Layout | None = None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """Compute attention within each text if ``layout`` is given, else transformers' usual sdpa.

    Has the signature of a transformers attention function. ``query``, ``key`` and ``value`` are
    ``[1, heads, T, width]``; the result is ``[1, T, heads, width]`` and no attention weights.
    """
    if layout is None:
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **kwargs
        )
    # One grid per group of similar lengths: in a single grid a long text would pad all short ones to its length.
    grids = zip(*(_to_grids(packed, layout) for packed in (query, key, value)), layout.biases, strict=True)
    attended = [
        scaled_dot_product_attention(q, k, v, attn_mask=bias, dropout_p=dropout, scale=scaling)
        .transpose(1, 2)
        .flatten(0, 1)
        for q, k, v, bias in grids
    ]
    whole = attended[0] if len(attended) == 1 else torch.cat(attended)
    return take(whole, layout.places).unsqueeze(0), None


def _to_grids(packed: Tensor, layout: Layout) -> list[Tensor]:
    """Copy packed vectors ``[1, heads, T, width]`` to their places in each grid, ``[B, heads, L, width]``.

    Padding holds copies of other tokens of its text. Their keys are masked, and the outputs at their queries are
    dropped, so their gradients are 0.
    """
    vectors = place(packed.squeeze(0).transpose(0, 1), layout.sources, layout.places)
    shapes = [(bias.shape[0], bias.shape[-1]) for bias in layout.biases]
    # split, not slices: the backward of each slice would fill a tensor of all places
    parts = [vectors] if len(shapes) == 1 else vectors.split([texts * width for texts, width in shapes])
    return [part.unflatten(0, shape).transpose(1, 2) for part, shape in zip(parts, shapes, strict=True)]


def mask_without_waiting(*args: Any, attention_mask: Tensor | None = None, **kwargs: Any) -> Tensor | None:
    """Return transformers' mask for sdpa, without asking the device for its content.

    transformers leaves the mask out if a batch has no padding; to find out, the host waits for the device in each
    forward pass. Without an ``attention_mask``, as for packed texts, there is nothing to ask.
    """
    if attention_mask is not None:
        kwargs |= {"allow_is_causal_skip": False, "allow_is_bidirectional_skip": False}
    return sdpa_mask(*args, attention_mask=attention_mask, **kwargs)


AttentionInterface.register(IMPLEMENTATION, packed_attention)
AttentionMaskInterface.register(IMPLEMENTATION, mask_without_waiting)
