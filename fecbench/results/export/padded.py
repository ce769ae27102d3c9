"""An objective's predict as a torch module of padded token ids, for export as a graph.

Training packs texts without padding. The packed layout depends on the lengths of the texts, which no graph can hold.
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
        mask: int64 ``[B, L]``, 1 for tokens and 0 for padding.
        types: int64 ``[B, L]``, token type ids; None for families without them.
    """

    ids: Tensor
    mask: Tensor
    types: Tensor | None = None


class PaddedEncoder(nn.Module):
    """Replacement for a model's :class:`~fecbench.model.text_encoder.TextEncoder` that reads padded tokens.

    It shares the weights of the encoder that it replaces.
    """

    def __init__(self, encoder: TextEncoder):
        super().__init__()
        self.network = encoder.network
        self.pooling = encoder.pooling
        if self.network.config._attn_implementation == IMPLEMENTATION:
            # Packed attention needs the grids of a packed batch; padded tokens have a mask instead.
            with quiet():
                self.network.set_attn_implementation(encoder.attention)

    def forward(self, tokens: PaddedTokens) -> Tensor:
        """Return the pooled states ``h [B, hidden]``."""
        types = {} if tokens.types is None else {"token_type_ids": tokens.types}
        states: Tensor = self.network(input_ids=tokens.ids, attention_mask=tokens.mask, **types).last_hidden_state
        if self.pooling == "first":
            return states[:, 0]
        weights = tokens.mask[:, :, None].to(states.dtype)
        return (states * weights).sum(1) / weights.sum(1)


class PredictModule(nn.Module):
    """An objective's ``predict`` as a module.

    It replaces every encoder inside ``objective`` and ``model`` in place, so don't use them elsewhere afterwards.
    """

    def __init__(self, objective: Objective, model: Model):
        super().__init__()
        self.objective = objective
        self.model = model
        for part in list(self.modules()):  # a list, because modules are replaced on the way
            for name, child in part.named_children():
                if isinstance(child, TextEncoder):
                    setattr(part, name, PaddedEncoder(child))
        self.eval()

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor | None = None) -> Tensor:
        """Return the logits ``[B, C]`` of ids, mask and types (int64 ``[B, L]`` each)."""
        # Typed Any, because a Batch holds packed Tokens; only the replaced encoders read them.
        tokens: Any = PaddedTokens(input_ids, attention_mask, token_type_ids)
        rows = torch.zeros_like(input_ids[:, 0])  # labels and row numbers, hidden as in every prediction
        return self.objective.predict(Batch(tokens, rows, rows), self.model).float()
