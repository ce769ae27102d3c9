"""The classification head of LCL."""

from typing import cast

from torch import Tensor, nn

from fecbench import Head


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

    def classify(self, z: Tensor) -> Tensor:
        """Return the logits ``[B, C]`` of states ``z [B, hidden]``."""
        return cast("Tensor", self.classifier(z))
