"""What an objective predicts, as a function of padded token ids: plain tensors in, plain tensors out, as a graph needs it.

Packing saves work in training, but its layout depends on the lengths of the texts, which no graph can hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from fecbench.data.batch import Batch
from fecbench.model.encoders.network import quiet
from fecbench.model.packed_attention import IMPLEMENTATION
from fecbench.model.text_encoder import TextEncoder

if TYPE_CHECKING:
    from fecbench.model.model import Model
    from fecbench.objective.objective import Objective


@dataclass(frozen=True)
class PaddedTokens:
    """The token ids of ``B`` texts, padded to one length.

    Attributes:
        ids: int64 ``[B, L]``.
        mask: int64 ``[B, L]``, 1 where a token is real.
        types: int64 ``[B, L]``, for families that have token types; None for others.
    """

    ids: Tensor
    mask: Tensor
    types: Tensor | None = None


class PaddedEncoder(nn.Module):
    """Stands where a model has its :class:`~fecbench.model.text_encoder.TextEncoder`, with the same weights, and reads padded tokens."""

    def __init__(self, encoder: TextEncoder):
        super().__init__()
        self.network = encoder.network
        self.pooling = encoder.pooling
        if self.network.config._attn_implementation == IMPLEMENTATION:
            with quiet():
                self.network.set_attn_implementation(encoder.attention)

    def forward(self, tokens: PaddedTokens) -> Tensor:
        """Pooled states ``h [B, hidden]``."""
        types = {} if tokens.types is None else {"token_type_ids": tokens.types}
        states: Tensor = self.network(input_ids=tokens.ids, attention_mask=tokens.mask, **types).last_hidden_state
        if self.pooling == "first":
            return states[:, 0]
        weights = tokens.mask[:, :, None].to(states.dtype)
        return (states * weights).sum(1) / weights.sum(1)


class Prediction(nn.Module):
    """``predict`` of an objective; it takes model and objective over, whose encoders read padded tokens from then on."""

    def __init__(self, objective: Objective, model: Model):
        super().__init__()
        self.objective = objective
        self.model = model
        for part in list(self.modules()):
            for name, child in part.named_children():
                if isinstance(child, TextEncoder):
                    setattr(part, name, PaddedEncoder(child))
        self.eval()

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor | None = None) -> Tensor:
        """Logits ``[B, C]`` of int64 ids, mask and types, ``[B, L]`` each."""
        tokens: Any = PaddedTokens(input_ids, attention_mask, token_type_ids)
        rows = torch.zeros_like(input_ids[:, 0])
        return self.objective.predict(Batch(tokens, rows, rows), self.model).float()
