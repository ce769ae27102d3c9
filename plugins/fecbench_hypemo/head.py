"""The classification head of HypEmo, its Euclidean part."""

from typing import cast

from torch import Tensor, nn

from fecbench import Head


class HypEmoHead(Head):
    """Linear, dropout, ReLU, dropout, then a linear classifier, whose input is projected into the ball too."""

    def __init__(self, hidden: int, classes: int, dropout: float = 0.1):
        super().__init__()
        self.features = hidden
        self.projection = nn.Sequential(nn.Linear(hidden, hidden), nn.Dropout(dropout), nn.ReLU(), nn.Dropout(dropout))
        self.classifier = nn.Linear(hidden, classes)

    def project(self, h: Tensor) -> Tensor:
        """Return the features ``z [B, hidden]`` of states ``h [B, hidden]``."""
        return cast("Tensor", self.projection(h))

    def classify(self, z: Tensor) -> Tensor:
        """Return the logits ``[B, C]`` of features ``[B, hidden]``."""
        return cast("Tensor", self.classifier(z))
