"""The pooled vector that classifier and definition prediction share."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from fecbench import Head

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from fecbench import EncoderSource, HeadTask


class PooledHead(Head):
    """A dense layer with tanh on the encoder's state (BERT's pooler, pretrained where the encoder has one), then dropout and linear."""

    def __init__(self, hidden: int, classes: int, dropout: float = 0.1):
        super().__init__()
        self.features = hidden
        self.dense = nn.Linear(hidden, hidden)
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(hidden, classes))

    @classmethod
    def build(cls, source: EncoderSource, task: HeadTask) -> tuple[PreTrainedModel, Head]:
        """The encoder network and this head for it."""
        network, head = super().build(source, task)
        pooler = getattr(getattr(network, "pooler", None), "dense", None)
        if pooler is not None:
            cast("PooledHead", head).dense.load_state_dict(pooler.state_dict())
        return network, head

    def project(self, h: Tensor) -> Tensor:
        """``h [B, hidden] -> q [B, hidden]``."""
        return torch.tanh(self.dense(h))

    def classify(self, z: Tensor) -> Tensor:
        """``q [B, hidden] -> logits [B, C]``."""
        return cast("Tensor", self.classifier(z))
