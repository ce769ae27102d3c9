"""The classification head of LCL."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from torch import Tensor, nn

from fecbench import Head

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from fecbench import EncoderSource, HeadTask


class LCLHead(Head):
    """Linear, dropout, ReLU, linear on the encoder's state (released code).

    There is no projection: the contrastive loss is computed on the encoder's state itself.
    """

    def __init__(self, hidden: int, classes: int, dropout: float = 0.1):
        super().__init__()
        self.features = hidden
        self.classifier = nn.Sequential(
            nn.Linear(hidden, hidden), nn.Dropout(dropout), nn.ReLU(), nn.Linear(hidden, classes)
        )

    @classmethod
    def build(cls, source: EncoderSource, task: HeadTask) -> tuple[PreTrainedModel, Head]:
        """Return the encoder network and this head for it; biases start at base rates where labels go together."""
        network, head = super().build(source, task)
        if task.first_biases is not None:
            last = cast("nn.Linear", cast("LCLHead", head).classifier[-1])
            last.bias.data.copy_(task.first_biases)
        return network, head

    def classify(self, z: Tensor) -> Tensor:
        """Return the logits ``[B, C]`` of states ``z [B, hidden]``."""
        return cast("Tensor", self.classifier(z))
