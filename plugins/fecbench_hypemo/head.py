"""HypEmo's Euclidean part: the classifier that predicts."""

from typing import cast

from torch import Tensor, nn

from fecbench import Head


class HypEmoHead(Head):
    """Dropout between a linear layer and a ReLU, dropout after it, then a linear classifier; what comes before it also enters the ball."""

    def __init__(self, hidden: int, classes: int, dropout: float = 0.1):
        super().__init__()
        self.features = hidden
        self.projection = nn.Sequential(nn.Linear(hidden, hidden), nn.Dropout(dropout), nn.ReLU(), nn.Dropout(dropout))
        self.classifier = nn.Linear(hidden, classes)

    def project(self, h: Tensor) -> Tensor:
        """``h [B, hidden] -> z [B, hidden]``."""
        return cast("Tensor", self.projection(h))

    def classify(self, z: Tensor) -> Tensor:
        """``z [B, hidden] -> logits [B, C]``."""
        return cast("Tensor", self.classifier(z))
