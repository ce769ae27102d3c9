"""Vectors for the nodes of a tree: Poincaré embeddings (Nickel and Kiela, NeurIPS 2017), trained once before the encoder is."""

from functools import cache

import torch
from torch import Tensor

from fecbench_hypemo.ball import distance
from fecbench_hypemo.tree import LabelTree

LONGEST = 1 - 1e-5


@cache
def poincare_vectors(
    tree: LabelTree,
    *,
    negatives: int,
    seed: int,
    dim: int = 100,
    epochs: int = 2000,
    burn_in: int = 20,
    lr: float = 0.025,
    batch_size: int = 16,
) -> Tensor:
    """Points of the ball ``[nodes, dim]`` in float64, a function of the arguments: nodes lie near their ancestors and far from others.

    Riemannian gradient descent on the summed :func:`pair_losses` of batches of pairs, a tenth of ``lr`` over the first ``burn_in`` epochs.
    A process computes them once for each tree; don't write into them.

    Args:
        tree: the tree.
        negatives: nodes that a pair's ancestor is told from, drawn with replacement among those that aren't above the pair's node, with
            probabilities that grow with how many nodes they are above (to the power 0.75).
        seed: of first positions, order and negatives.
        dim: coordinates of a point.
        epochs: passes over all pairs.
        burn_in: epochs at a tenth of the rate.
        lr: learning rate.
        batch_size: pairs in a batch.
    """
    generator = torch.Generator().manual_seed(seed)
    ancestor, node = torch.tensor(tree.pairs).T
    chances = _chances(tree)[node]
    vectors = torch.empty(len(tree.nodes), dim, dtype=torch.float64).uniform_(-1e-4, 1e-4, generator=generator)
    for epoch in range(epochs):
        rate = lr / 10 if epoch < burn_in else lr
        others = torch.multinomial(chances, negatives, replacement=True, generator=generator)
        for batch in torch.randperm(len(node), generator=generator).split(batch_size):
            vectors = _descend(vectors, ancestor[batch], node[batch], others[batch], rate)
    return vectors


def pair_losses(vectors: Tensor, ancestor: Tensor, node: Tensor, others: Tensor) -> Tensor:
    """Of each pair ``d(u, v) + log sum exp(-d(u', v))``, u' over its other nodes and u: the log loss of telling the ancestor u.

    Args:
        vectors: ``[nodes, dim]``.
        ancestor: int64 ``[P]``, u.
        node: int64 ``[P]``, v.
        others: int64 ``[P, negatives]``, the u'.
    """
    candidates = torch.cat([ancestor[:, None], others], 1)
    distances = distance(vectors[candidates], vectors[node][:, None])
    return distances[:, 0] + (-distances).logsumexp(1)


def _descend(vectors: Tensor, ancestor: Tensor, node: Tensor, others: Tensor, lr: float) -> Tensor:
    """One step against the Riemannian gradient; no point comes to lie closer to the border than ``LONGEST``."""
    start = vectors.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(pair_losses(start, ancestor, node, others).sum(), start)
    moved = vectors - lr * (1 - vectors.square().sum(1, keepdim=True)).square() / 4 * gradient
    norm: Tensor = torch.linalg.vector_norm(moved, dim=1, keepdim=True)
    return moved * (LONGEST / norm).clamp(max=1)


def _chances(tree: LabelTree) -> Tensor:
    """How likely each node is drawn for each, ``[node, drawn]``: never itself or one above it, unless there is no other."""
    ancestor, node = torch.tensor(tree.pairs).T
    frequency = 1 + torch.bincount(ancestor, minlength=len(tree.nodes)).double()
    allowed = ~torch.eye(len(tree.nodes), dtype=torch.bool)
    allowed[node, ancestor] = False
    allowed |= ~allowed.any(1, keepdim=True)
    return torch.where(allowed, frequency.pow(0.75), 0.0)
