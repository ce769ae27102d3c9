"""Arithmetic in the Poincaré ball of curvature -1 (Ganea, Bécigneul, Hofmann 2018, Hyperbolic Neural Networks, section 2).

Points are rows of norm below 1, tangent vectors at the origin are any rows; the last dimension is theirs. Call it with autocast off.
"""

import torch
from torch import Tensor

TINY = 1e-15  # a norm to divide by where there is none; float32 holds its square
ALMOST_ONE = 1 - 1e-6


def exp0(u: Tensor) -> Tensor:
    """The exponential map at the origin, ``tanh(|u|) u / |u|``: a tangent vector becomes a point.

    >>> exp0(torch.tensor([0.3, 0.4]))
    tensor([0.2773, 0.3697])
    """
    norm = _norm(u)
    return norm.tanh() * u / norm


def log0(x: Tensor) -> Tensor:
    """The logarithm at the origin, ``artanh(|x|) x / |x|``, which takes :func:`exp0` back."""
    norm = _norm(x)
    return _artanh(norm) * x / norm


def project(x: Tensor) -> Tensor:
    """``x``, cut to norm ``1 - 0.004`` where it is longer (``1 - 1e-5`` in float64): closer to the border distances lose precision."""
    longest = 1 - (1e-5 if x.dtype == torch.float64 else 4e-3)
    return x * (longest / _norm(x)).clamp(max=1)


def mobius_add(x: Tensor, y: Tensor) -> Tensor:
    """The Möbius sum of points, ``y`` carried along from the origin to ``x``; it doesn't commute.

    >>> mobius_add(torch.tensor([0.1, 0.2]), torch.tensor([0.3, -0.4]))
    tensor([ 0.4384, -0.1644])
    """
    xy, xx, yy = ((a * b).sum(-1, keepdim=True) for a, b in ((x, y), (x, x), (y, y)))
    return ((1 + 2 * xy + yy) * x + (1 - xx) * y) / (1 + 2 * xy + xx * yy).clamp(min=TINY)


def mobius_matvec(matrix: Tensor, x: Tensor) -> Tensor:
    """``matrix [k, d]`` applied to points ``x [..., d]``: through the tangent space at the origin and back. Zero maps to zero."""
    mapped = x @ matrix.T
    norm, mapped_norm = _norm(x), _norm(mapped)
    return (mapped_norm / norm * _artanh(norm)).tanh() * mapped / mapped_norm


def distance(x: Tensor, y: Tensor) -> Tensor:
    """The distance of points, ``arcosh(1 + 2 |x - y|^2 / ((1 - |x|^2) (1 - |y|^2)))``, ``[...]`` for rows ``[..., d]``.

    It is computed as ``2 arsinh`` of a ratio of norms, which is the same, is exact near 0, and has a gradient there (0).

    >>> distance(torch.tensor([0.0, 0.0]), torch.tensor([0.3, -0.4]))  # 2 artanh(0.5)
    tensor(1.0986)
    """
    room = (1 - x.square().sum(-1)) * (1 - y.square().sum(-1))
    return 2 * torch.asinh(torch.linalg.vector_norm(x - y, dim=-1) / room.clamp(min=TINY).sqrt())


def _norm(x: Tensor) -> Tensor:
    norm: Tensor = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    return norm.clamp(min=TINY)


def _artanh(norm: Tensor) -> Tensor:
    return norm.clamp(max=ALMOST_ONE).atanh()
