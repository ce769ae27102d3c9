"""The classification head of CDP+MLM, whose pooled vector definition prediction uses too."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from fecbench import Head

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from fecbench import EncoderSource, HeadTask


class PooledHead(Head):
    """A pooler (dense layer and tanh) on the encoder's state, then dropout and a linear classifier.

    The pooler starts from the checkpoint's weights if the encoder has a pooler (as BERT does), else from
    random ones.
    """

    def __init__(self, hidden: int, classes: int, dropout: float = 0.1):
        super().__init__()
        self.features = hidden
        self.dense = nn.Linear(hidden, hidden)
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(hidden, classes))

    @classmethod
    def build(cls, source: EncoderSource, task: HeadTask) -> tuple[PreTrainedModel, Head]:
        """Build the encoder network, and this head with the network's pooler weights and the labels' base rates."""
        network, head = super().build(source, task)
        pooler = getattr(getattr(network, "pooler", None), "dense", None)
        if pooler is not None:
            cast("PooledHead", head).dense.load_state_dict(pooler.state_dict())
        if task.first_biases is not None:
            cast("nn.Linear", cast("PooledHead", head).classifier[-1]).bias.data.copy_(task.first_biases)
        return network, head

    def project(self, h: Tensor) -> Tensor:
        """Return the pooled vectors ``q [B, hidden]`` of states ``h [B, hidden]``."""
        return torch.tanh(self.dense(h))

    def classify(self, z: Tensor) -> Tensor:
        """Return the logits ``[B, C]`` of pooled vectors ``[B, hidden]``."""
        return cast("Tensor", self.classifier(z))
