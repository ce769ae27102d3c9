"""Operations in the Poincaré ball of curvature -1 (Ganea, Bécigneul, Hofmann, NeurIPS 2018, section 2).

Points are vectors of norm below 1, tangent vectors at the origin are any vectors; both lie in the last
dimension. Call these functions with autocast off.

Nearer to the border of the ball distances lose their precision. So both maps treat points of a norm above ``1 -
0.004`` (``1 - 1e-5`` in float64) as points of that norm.
"""

import torch
from torch import Tensor

TINY = 1e-15  # the divisor for vectors of norm 0; float32 holds its square


def exp0(u: Tensor) -> Tensor:
    """Map tangent vectors to points by the exponential map at the origin, ``tanh(|u|) u / |u|``.

    >>> exp0(torch.tensor([0.3, 0.4]))
    tensor([0.2773, 0.3697])
    """
    norm = _norm(u)
    return u * (norm.tanh().clamp(max=_longest(u)) / norm)


def log0(x: Tensor) -> Tensor:
    """Map points to tangent vectors by the logarithmic map at the origin, ``artanh(|x|) x / |x|``; inverts `exp0`."""
    norm = _norm(x)
    return x * (norm.clamp(max=_longest(x)).atanh() / norm)


def mobius_add(x: Tensor, y: Tensor) -> Tensor:
    """Return the Möbius sum of points, which is ``y`` translated from the origin to ``x``; it doesn't commute.

    >>> mobius_add(torch.tensor([0.1, 0.2]), torch.tensor([0.3, -0.4]))
    tensor([ 0.4384, -0.1644])
    """
    xy, xx, yy = ((a * b).sum(-1, keepdim=True) for a, b in ((x, y), (x, x), (y, y)))
    both = 1 + 2 * xy
    return ((both + yy) * x + (1 - xx) * y) / (both + xx * yy)


def mobius_matvec(matrix: Tensor, x: Tensor) -> Tensor:
    """Apply ``matrix [k, d]`` to points ``x [..., d]`` in the tangent space at the origin; zero maps to zero."""
    return exp0(log0(x) @ matrix.T)


def distance(x: Tensor, y: Tensor) -> Tensor:
    """Return the distances ``[...]`` of points ``[..., d]``: ``arcosh(1 + 2 |x - y|^2 / ((1 - |x|^2) (1 - |y|^2)))``.

    The equal form ``2 arsinh(|x - y| / sqrt((1 - |x|^2) (1 - |y|^2)))`` is computed: it is exact near 0 and
    has a gradient there (0).

    >>> distance(torch.tensor([0.0, 0.0]), torch.tensor([0.3, -0.4]))  # 2 artanh(0.5)
    tensor(1.0986)
    """
    to_border = (1 - x.square().sum(-1)) * (1 - y.square().sum(-1))
    return 2 * torch.asinh(torch.linalg.vector_norm(x - y, dim=-1) / to_border.clamp(min=TINY).sqrt())


def _longest(x: Tensor) -> float:
    return 1 - (1e-5 if x.dtype == torch.float64 else 4e-3)


def _norm(x: Tensor) -> Tensor:
    norm: Tensor = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    return norm + TINY
