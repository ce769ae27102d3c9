"""LCL's classifier."""

from typing import cast

from torch import Tensor, nn

from fecbench import Head


class LCLHead(Head):
    """Linear, dropout, ReLU, linear on the encoder's state, which is also what the contrast sees."""

    def __init__(self, hidden: int, classes: int, dropout: float = 0.1):
        super().__init__()
        self.features = hidden
        self.classifier = nn.Sequential(
            nn.Linear(hidden, hidden), nn.Dropout(dropout), nn.ReLU(), nn.Linear(hidden, classes)
        )

    def classify(self, z: Tensor) -> Tensor:
        """``z [B, hidden] -> logits [B, C]``."""
        return cast("Tensor", self.classifier(z))
