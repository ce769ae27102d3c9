"""Random points of the Poincaré ball."""

import torch


def inside(*shape: int, longest: float = 0.99) -> torch.Tensor:
    """Points of norm ``longest`` at most, in float64."""
    directions = torch.randn(*shape, dtype=torch.float64)
    return (
        directions / directions.norm(dim=-1, keepdim=True) * torch.rand(*shape[:-1], 1, dtype=torch.float64) * longest
    )
