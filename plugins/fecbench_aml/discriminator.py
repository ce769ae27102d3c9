"""The pairwise discriminator: a learnable similarity (the paper, section 3.3.2), in two families."""

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, linear, logsigmoid, relu, softmax


class PairDiscriminator(nn.Module):
    """``sigmoid(MLP([z_i; z_j; |z_i - z_j|; z_i * z_j]))`` as a logit; the MLP is 4d -> hidden -> hidden / 2 -> 1 with ReLU.

    With ``symmetric`` the score is the mean of the scores of both orders.

    The first layer is linear in each of the four blocks. So the products with ``z_i`` and ``z_j`` are made once for each example, not
    for each pair, those with the two symmetric blocks once for both orders, and no ``[P, 4d]`` tensor exists.

    Args:
        dim: width d of the features.
        hidden: width of the first layer.
        symmetric: whether the order of a pair makes no difference.
    """

    def __init__(self, dim: int, hidden: int = 256, symmetric: bool = True):
        super().__init__()
        self.symmetric = symmetric
        self.first = nn.Linear(4 * dim, hidden)
        self.second = nn.Linear(hidden, hidden // 2)
        self.last = nn.Linear(hidden // 2, 1)

    def forward(self, z_i: Tensor, z_j: Tensor) -> Tensor:
        """Logits ``[P]`` of the pairs of rows of ``z_i`` and ``z_j``, both ``[P, d]``."""
        pairs = torch.arange(len(z_i), device=z_i.device)
        return self.between(torch.cat([z_i, z_j]), pairs, pairs + len(z_i))

    def between(self, z: Tensor, i: Tensor, j: Tensor) -> Tensor:
        """Logits ``[P]`` of the pairs of rows ``i`` and ``j``, int64 ``[P]``, of ``z [B, d]``."""
        as_first, as_second, difference, product = self.first.weight.chunk(4, dim=1)
        left, right = linear(z, as_first), linear(z, as_second)
        z_i, z_j = rows(z, i), rows(z, j)
        shared = linear((z_i - z_j).abs(), difference, self.first.bias) + linear(z_i * z_j, product)
        logits = self._rest(rows(left, i) + rows(right, j) + shared)
        if not self.symmetric:
            return logits
        return mean_score_logit(logits, self._rest(rows(left, j) + rows(right, i) + shared))

    def _rest(self, before: Tensor) -> Tensor:
        return self.last(relu(self.second(relu(before)))).squeeze(-1)  # type: ignore[no-any-return]


class MetricDiscriminator(nn.Module):
    """``gamma * (tau - sum_k w_k (z_ik - z_jk)^2)`` as a logit, with weights ``w >= 0`` of mean 1.

    Every member of this family is a metric: it can choose which directions count, but equal features are always the most similar. So an
    adversary that maximises the pair loss over it has a maximum to find, unlike one over :class:`PairDiscriminator`.

    Args:
        dim: width d of the features.
        gamma: steepness of the score.
        tau: the weighted squared distance at which the score is 1/2.
    """

    def __init__(self, dim: int, gamma: float = 4.0, tau: float = 1.0):
        super().__init__()
        self.gamma = gamma
        self.tau = tau
        self.preference = nn.Parameter(torch.zeros(dim))

    @property
    def weights(self) -> Tensor:
        """``w [d]``: d times a softmax."""
        return len(self.preference) * softmax(self.preference, dim=0)

    def forward(self, z_i: Tensor, z_j: Tensor) -> Tensor:
        """Logits ``[P]`` of the pairs of rows of ``z_i`` and ``z_j``, both ``[P, d]``."""
        with torch.autocast(z_i.device.type, enabled=False):  # a sum of d small squares: bf16 would lose most of them
            dtype = torch.promote_types(z_i.dtype, torch.float32)
            distance: Tensor = (z_i.to(dtype) - z_j.to(dtype)).square() @ self.weights
            return self.gamma * (self.tau - distance)

    def between(self, z: Tensor, i: Tensor, j: Tensor) -> Tensor:
        """Logits ``[P]`` of the pairs of rows ``i`` and ``j``, int64 ``[P]``, of ``z [B, d]``."""
        return self.forward(rows(z, i), rows(z, j))


def rows(table: Tensor, indices: Tensor) -> Tensor:
    """``table[indices]``, written as an embedding: its backward adds up repeated rows in a fixed order, and fast, on any device."""
    return embedding(indices, table)


def mean_score_logit(u: Tensor, v: Tensor) -> Tensor:
    """The logit of ``(sigmoid(u) + sigmoid(v)) / 2``, without cancellation at either end, in float32 at least.

    >>> mean_score_logit(torch.tensor(300.0), torch.tensor(300.0))
    tensor(300.)
    """
    dtype = torch.promote_types(u.dtype, torch.float32)
    u, v = u.to(dtype), v.to(dtype)
    return torch.logaddexp(logsigmoid(u), logsigmoid(v)) - torch.logaddexp(logsigmoid(-u), logsigmoid(-v))
