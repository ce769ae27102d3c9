"""Poincaré embeddings of the nodes of a tree (Nickel and Kiela, NeurIPS 2017), trained before the encoder."""

from functools import cache

import torch
from torch import Tensor

from fecbench import cached_on_disk
from fecbench_hypemo.ball import distance
from fecbench_hypemo.tree import LabelTree

LONGEST = 1 - 1e-5  # largest norm of a vector


@cache
@cached_on_disk
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
    """Train points of the ball ``[nodes, dim]``, float64, so that nodes lie near their ancestors and far from others.

    The method is Riemannian gradient descent on the summed :func:`pair_losses` of batches of pairs, with a
    tenth of ``lr`` during the first ``burn_in`` epochs. The result depends on the arguments alone. It is
    cached on disk, and for the process, so don't modify it.

    Args:
        tree: the tree.
        negatives: negative nodes per pair, drawn with replacement from the nodes that are not ancestors of
            the pair's node, with probability proportional to (1 + number of descendants) to the power 0.75.
        seed: seed of initial positions, order and negatives.
        dim: coordinates of a point.
        epochs: passes over all pairs.
        burn_in: epochs with a tenth of the rate.
        lr: learning rate.
        batch_size: pairs in a batch.
    """
    generator = torch.Generator().manual_seed(seed)
    ancestor, node = torch.tensor(tree.pairs).T
    probabilities = _sampling_weights(tree)[node]
    vectors = torch.empty(len(tree.nodes), dim, dtype=torch.float64).uniform_(-1e-4, 1e-4, generator=generator)
    for epoch in range(epochs):
        rate = lr / 10 if epoch < burn_in else lr
        others = torch.multinomial(probabilities, negatives, replacement=True, generator=generator)
        for batch in torch.randperm(len(node), generator=generator).split(batch_size):
            vectors = _descend(vectors, ancestor[batch], node[batch], others[batch], rate)
    return vectors


def pair_losses(vectors: Tensor, ancestor: Tensor, node: Tensor, others: Tensor) -> Tensor:
    """Return for each pair the negative log probability of its ancestor u among u and negative nodes.

    It is ``d(u, v) + log sum exp(-d(u', v))``, the sum over u and the negative nodes u'.

    Args:
        vectors: ``[nodes, dim]``.
        ancestor: int64 ``[P]``, u.
        node: int64 ``[P]``, v.
        others: int64 ``[P, negatives]``, the negative nodes u'.
    """
    candidates = torch.cat([ancestor[:, None], others], 1)
    distances = distance(vectors[candidates], vectors[node][:, None])
    return distances[:, 0] + (-distances).logsumexp(1)


def _descend(vectors: Tensor, ancestor: Tensor, node: Tensor, others: Tensor, lr: float) -> Tensor:
    """Make one step against the Riemannian gradient and shorten points to norm ``LONGEST``."""
    start = vectors.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(pair_losses(start, ancestor, node, others).sum(), start)
    # The metric of the ball scales the Euclidean gradient by (1 - |theta|^2)^2 / 4.
    moved = vectors - lr * (1 - vectors.square().sum(1, keepdim=True)).square() / 4 * gradient
    norm: Tensor = torch.linalg.vector_norm(moved, dim=1, keepdim=True)
    return moved * (LONGEST / norm).clamp(max=1)


def _sampling_weights(tree: LabelTree) -> Tensor:
    """Return the sampling weight ``[node, negative]`` of each negative node; 0 for the node itself and its ancestors.

    A node without any other candidate may draw all nodes.
    """
    ancestor, node = torch.tensor(tree.pairs).T
    frequency = 1 + torch.bincount(ancestor, minlength=len(tree.nodes)).double()
    allowed = ~torch.eye(len(tree.nodes), dtype=torch.bool)
    allowed[node, ancestor] = False
    allowed |= ~allowed.any(1, keepdim=True)
    return torch.where(allowed, frequency.pow(0.75), 0.0)
