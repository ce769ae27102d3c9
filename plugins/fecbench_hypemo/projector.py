"""The projector into the Poincaré ball: one hyperbolic layer (Ganea, Bécigneul, Hofmann 2018) and a decoder."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout, relu

from fecbench_hypemo.ball import exp0, log0, mobius_add, mobius_matvec

Activation = Literal["relu", "none"]


class BallProjector(nn.Module):
    """A Möbius linear layer with an activation in the tangent space at the origin, and a linear decoder of its points.

    Call it with autocast off.

    Args:
        features: width of the input.
        classes: number of labels that the decoder predicts.
        dim: coordinates of a point.
        activation: ``"relu"`` makes all coordinates non-negative; ``"none"`` is the identity.
        dropout: probability of dropout on the layer's weights and on the decoder's logits, as in the
            released code.
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
        """Project features ``z [B, features]`` to points ``[B, dim]``."""
        weight = dropout(self.weight, self.dropout, self.training)
        tangent = log0(mobius_add(mobius_matvec(weight, exp0(z)), exp0(self.bias)))
        return exp0(relu(tangent) if self.activation == "relu" else tangent)

    def decode(self, points: Tensor) -> Tensor:
        """Return the decoder's logits ``[B, C]`` of ``points [B, dim]``."""
        return dropout(self.decoder(log0(points)), self.dropout, self.training)
