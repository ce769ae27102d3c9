"""TACO's losses between texts and between labels (Gong, Yang, Shen 2025), after its released code."""

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import normalize

from fecbench import anchor_losses, mean_of_anchors, similarities

VANISHING = 1e-4


def clustered_pairs(labels: Tensor, clusters: Tensor) -> tuple[Tensor, Tensor]:
    """Which rows are an anchor's positives, bool ``[B, B]``, and which its negatives: where label and cluster disagree.

    A positive has the anchor's label and lies in another cluster, a negative the other way round; row i is anchor i.

    Args:
        labels: int ``[B]``.
        clusters: int ``[B]``; their numbers mean nothing.
    """
    same_label, same_cluster = labels[:, None] == labels, clusters[:, None] == clusters
    return same_label & ~same_cluster, ~same_label & same_cluster


def clustered_contrastive_loss(
    features: Tensor, labels: Tensor, clusters: Tensor, *, temperature: float = 0.5, base_temperature: float = 0.07
) -> Tensor:
    """Supervised contrast among the pairs that clusters get wrong: positives of other clusters, negatives of the anchor's own.

    The mean over all rows of the mean over their positives of ``-log softmax`` of cosines over ``temperature``, the softmax over positives
    and negatives alone, all times ``temperature / base_temperature``. A row without a positive counts as 0.

    Args:
        features: ``[B, d]``, normalised here; bf16 and float16 are raised to float32.
        labels: int ``[B]``.
        clusters: int ``[B]``.
        temperature: tau.
        base_temperature: tau_b.

    Raises:
        ValueError: a temperature isn't positive.

    >>> clustered_contrastive_loss(torch.eye(3), torch.tensor([0, 0, 1]), torch.tensor([0, 0, 1]))
    tensor(0.)
    """
    if not base_temperature > 0:
        raise ValueError(f"base_temperature must be positive, found {base_temperature}")
    with torch.autocast(features.device.type, enabled=False):
        positive, negative = clustered_pairs(labels, clusters)
        losses = anchor_losses(similarities(features, temperature), positive, positive | negative)
        return temperature / base_temperature * mean_of_anchors(losses, positive)


def label_pair_weights(logits: Tensor) -> Tensor:
    """For each pair of labels a < b the cosine of their columns of logits, ``[C (C - 1) / 2]``: how alike they answer to the batch.

    Args:
        logits: ``[B, C]``; bf16 and float16 are raised to float32.
    """
    columns = normalize(logits.to(torch.promote_types(logits.dtype, torch.float32)), dim=0, eps=1e-8)
    return _pairs(columns.T @ columns)


def label_separation_loss(label_states: Tensor, weights: Tensor, *, label_weights: Literal["signed", "clamped"] = "signed") -> Tensor:
    """``exp`` of the weighted mean of the cosines of all pairs of labels: it is lowered by driving apart labels that answer alike.

    Args:
        label_states: ``[C, hidden]``; bf16 and float16 are raised to float32.
        weights: ``[C (C - 1) / 2]``, of :func:`label_pair_weights`.
        label_weights: ``"signed"`` takes the weights as they are, with their gradient, over their sum, which can be negative (the released
            code); where the sum vanishes (below 1e-4) the loss is 0. ``"clamped"`` counts negative ones as 0, without gradient.

    Raises:
        ValueError: ``label_weights`` is neither.

    >>> round(label_separation_loss(torch.ones(3, 2), torch.tensor([0.5, -0.2, 1.0])).item(), 4)  # all labels alike: e
    2.7183
    """
    if label_weights not in ("signed", "clamped"):
        raise ValueError(f"label_weights must be 'signed' or 'clamped', found {label_weights!r}")
    with torch.autocast(label_states.device.type, enabled=False):
        states = normalize(label_states.to(torch.promote_types(label_states.dtype, torch.float32)), eps=1e-8)
        cosines = _pairs(states @ states.T)
        if label_weights == "clamped":
            clamped = weights.detach().relu()
            return ((clamped * cosines).sum() / (clamped.sum() + 1e-8)).exp()
        total = weights.sum()
        vanishes = total.abs() < VANISHING
        exponent = (weights * cosines).sum() / torch.where(vanishes, 1.0, total)
        return torch.where(vanishes, 0.0, exponent).exp() * ~vanishes  # twice, lest what vanishes leaves an infinite gradient


def _pairs(square: Tensor) -> Tensor:
    """The entries of ``square [C, C]`` above the diagonal."""
    a, b = torch.triu_indices(len(square), len(square), 1, device=square.device)
    return square[a, b]
