"""Pairwise discriminators, which are learnable similarities (AML paper, section 3.3.2), in two families."""

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, linear, logsigmoid, relu, softmax


class PairDiscriminator(nn.Module):
    """An MLP on pair features: the logit of ``sigmoid(MLP([z_i; z_j; |z_i - z_j|; z_i * z_j]))`` (section 3.3.2).

    The MLP is 4d -> hidden -> hidden / 2 -> 1 with ReLU. With ``symmetric`` the score is the mean of the
    scores of both orders of a pair.

    The first layer is linear in each of the four blocks. Products with ``z_i`` and ``z_j`` are therefore
    computed once per example, not per pair; products with the two symmetric blocks are computed once for
    both orders; and no ``[P, 4d]`` tensor exists.

    Args:
        dim: width d of the features.
        hidden: width of the first layer.
        symmetric: average the scores of both orders of a pair.
    """

    def __init__(self, dim: int, hidden: int = 256, symmetric: bool = True):
        super().__init__()
        self.symmetric = symmetric
        self.first = nn.Linear(4 * dim, hidden)
        self.second = nn.Linear(hidden, hidden // 2)
        self.last = nn.Linear(hidden // 2, 1)

    def forward(self, z_i: Tensor, z_j: Tensor) -> Tensor:
        """Return the logits ``[P]`` of the pairs of rows of ``z_i`` and ``z_j``, both ``[P, d]``."""
        pairs = torch.arange(len(z_i), device=z_i.device)
        return self.between(torch.cat([z_i, z_j]), pairs, pairs + len(z_i))

    def between(self, z: Tensor, i: Tensor, j: Tensor) -> Tensor:
        """Return the logits ``[P]`` of the pairs of rows ``i`` and ``j``, int64 ``[P]``, of ``z [B, d]``."""
        as_first, as_second, difference, product = self.first.weight.chunk(4, dim=1)
        left, right = linear(z, as_first), linear(z, as_second)
        z_i, z_j = rows(z, i), rows(z, j)
        shared = linear((z_i - z_j).abs(), difference, self.first.bias) + linear(z_i * z_j, product)
        logits = self._upper_layers(rows(left, i) + rows(right, j) + shared)
        if not self.symmetric:
            return logits
        return mean_score_logit(logits, self._upper_layers(rows(left, j) + rows(right, i) + shared))

    def _upper_layers(self, first_output: Tensor) -> Tensor:
        return self.last(relu(self.second(relu(first_output)))).squeeze(-1)  # type: ignore[no-any-return]


class MetricDiscriminator(nn.Module):
    """A weighted distance: the logit ``gamma * (tau - sum_k w_k (z_ik - z_jk)^2)`` with weights ``w >= 0`` of mean 1.

    The weights choose which directions count, but equal features are always the most similar pair. The pair
    loss has a maximum over this family (ADR 9), which it doesn't have over :class:`PairDiscriminator`. The
    family is fecbench's; the released code has a full-matrix form of it, unused.

    Args:
        dim: width d of the features.
        gamma: steepness of the score.
        tau: weighted squared distance at which the score is 1/2.
    """

    def __init__(self, dim: int, gamma: float = 4.0, tau: float = 1.0):
        super().__init__()
        self.gamma = gamma
        self.tau = tau
        self.preference = nn.Parameter(torch.zeros(dim))  # equal weights: the plain squared distance

    @property
    def weights(self) -> Tensor:
        """Return ``w [d]``, which is d times the softmax of the parameters."""
        return len(self.preference) * softmax(self.preference, dim=0)

    def forward(self, z_i: Tensor, z_j: Tensor) -> Tensor:
        """Return the logits ``[P]`` of the pairs of rows of ``z_i`` and ``z_j``, both ``[P, d]``."""
        with torch.autocast(z_i.device.type, enabled=False):  # a sum of d small squares: bf16 would lose most of them
            dtype = torch.promote_types(z_i.dtype, torch.float32)
            distance: Tensor = (z_i.to(dtype) - z_j.to(dtype)).square() @ self.weights
            return self.gamma * (self.tau - distance)

    def between(self, z: Tensor, i: Tensor, j: Tensor) -> Tensor:
        """Return the logits ``[P]`` of the pairs of rows ``i`` and ``j``, int64 ``[P]``, of ``z [B, d]``."""
        return self.forward(rows(z, i), rows(z, j))


def rows(table: Tensor, indices: Tensor) -> Tensor:
    """Return ``table[indices]`` by an embedding lookup.

    Its backward pass sums the gradients of repeated rows in a fixed order and fast on every device; that of
    plain indexing need not.
    """
    return embedding(indices, table)


def mean_score_logit(u: Tensor, v: Tensor) -> Tensor:
    """Return the logit of ``(sigmoid(u) + sigmoid(v)) / 2``, without cancellation near 0 or 1, in float32 at least.

    >>> mean_score_logit(torch.tensor(300.0), torch.tensor(300.0))
    tensor(300.)
    """
    dtype = torch.promote_types(u.dtype, torch.float32)
    u, v = u.to(dtype), v.to(dtype)
    return torch.logaddexp(logsigmoid(u), logsigmoid(v)) - torch.logaddexp(logsigmoid(-u), logsigmoid(-v))
