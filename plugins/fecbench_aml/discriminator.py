"""The pairwise discriminator: a learnable similarity (the paper, section 3.3.2)."""

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, linear, logsigmoid, relu


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
