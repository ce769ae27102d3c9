"""From the head's features into the ball: one hyperbolic layer (Ganea, Bécigneul, Hofmann 2018) and a decoder."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout, relu

from fecbench_hypemo.ball import exp0, log0, mobius_add, mobius_matvec, project

Activation = Literal["relu", "none"]


class BallProjector(nn.Module):
    """A Möbius linear layer, its activation taken at the origin, and a linear decoder of its points. Call it with autocast off.

    Args:
        features: width of what is projected.
        classes: labels that the decoder tells apart.
        dim: coordinates of a point.
        activation: ``"relu"`` keeps points where all coordinates are positive; ``"none"`` leaves them.
        dropout: share of the layer's weights, and of the decoder's logits, that are dropped in training.
    """

    def __init__(
        self, features: int, classes: int, dim: int = 100, activation: Activation = "relu", dropout: float = 0.1
    ):
        super().__init__()
        self.activation, self.dropout = activation, dropout
        self.weight = nn.Parameter(nn.init.xavier_uniform_(torch.empty(dim, features), gain=2**0.5))
        self.bias = nn.Parameter(torch.zeros(dim))
        self.decoder = nn.Linear(dim, classes)

    def forward(self, z: Tensor) -> Tensor:
        """``z [B, features]`` as points ``[B, dim]``."""
        weight = dropout(self.weight, self.dropout, self.training)
        moved = mobius_add(project(mobius_matvec(weight, project(exp0(z)))), project(exp0(self.bias)))
        tangent = log0(project(moved))
        return project(exp0(relu(tangent) if self.activation == "relu" else tangent))

    def decode(self, points: Tensor) -> Tensor:
        """``points [B, dim] -> logits [B, C]``."""
        return dropout(self.decoder(log0(points)), self.dropout, self.training)
