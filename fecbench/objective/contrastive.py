"""Supervised contrastive losses: log-softmax of positives against weighted candidates, without NaN for empty rows."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import normalize

EmptyAnchor = Literal["zero", "skip"]


def similarities(features: Tensor, temperature: float) -> Tensor:
    """Return the cosine similarities of all pairs of rows over ``temperature``: ``[N, d] -> [N, N]``.

    bf16 and float16 are raised to float32; float64 stays. Call it, and compute the loss, with autocast off: autocast
    would compute the product in bf16.

    Raises:
        ValueError: ``temperature`` isn't positive.
    """
    if not temperature > 0:
        raise ValueError(f"temperature must be positive, found {temperature}")
    z = normalize(features.to(torch.promote_types(features.dtype, torch.float32)), eps=1e-12)
    return z @ z.T / temperature


def anchor_losses(similarity: Tensor, positive: Tensor, candidate: Tensor, log_weights: Tensor | None = None) -> Tensor:
    """Return the contrastive loss ``[A]`` of each anchor.

    The loss of anchor i is the mean over its positives p of ``-s_ip + log sum_k w_ik exp(s_ik)``, with k over its
    candidates. With equal weights it is the "out" form of Khosla et al. 2020 (equation 2). An anchor without positives
    has loss 0 and gradient 0. If positives have weights, the mean is weighted: the loss is then the cross-entropy
    of the anchor's weights, divided by their sum, and the softmax of its similarities.

    Args:
        similarity: float ``[A, N]``, the similarities s of A anchors to N rows.
        positive: bool ``[A, N]``, True for the anchor's positives; or their weights, float, 0 for other rows.
        candidate: bool ``[A, N]``, True for the rows in the denominator; it includes every positive.
        log_weights: float ``[A, N]``, log w; 0 by default.

    >>> same = torch.ones(2, 2, dtype=torch.bool)
    >>> anchor_losses(torch.zeros(2, 2), same.tril(-1), same)
    tensor([0.0000, 0.6931])
    """
    total = positive.sum(1)
    has_positive = total > 0
    weighted = similarity if log_weights is None else similarity + log_weights
    # Rows without positives keep all candidates: the logsumexp of an empty row is -inf and its gradient NaN, which
    # torch.where below would not remove.
    left_out = ~candidate & has_positive[:, None]
    normaliser = weighted.masked_fill(left_out, -torch.inf).logsumexp(1)
    if positive.dtype == torch.bool:
        attraction = similarity.masked_fill(~positive, 0.0).sum(1) / total.clamp(min=1)
    else:
        attraction = (positive * similarity).sum(1) / torch.where(has_positive, total, 1.0)
    return torch.where(has_positive, normaliser - attraction, 0.0)


def mean_of_anchors(losses: Tensor, positive: Tensor, empty_anchor: EmptyAnchor = "zero") -> Tensor:
    """Return the mean loss of the anchors.

    Args:
        losses: ``[A]``, 0 for anchors without positives, as :func:`anchor_losses` returns them.
        positive: bool ``[A, N]``, True for the anchor's positives; or their weights, float, 0 for other rows.
        empty_anchor: ``"zero"`` averages over all anchors; ``"skip"`` over those with a positive (0 if there are none).

    Raises:
        ValueError: ``empty_anchor`` is neither ``"zero"`` nor ``"skip"``.
    """
    if empty_anchor not in ("zero", "skip"):
        raise ValueError(f"empty_anchor must be 'zero' or 'skip', found {empty_anchor!r}")
    counted = max(len(losses), 1) if empty_anchor == "zero" else positive.any(1).sum().clamp(min=1)
    return losses.sum() / counted


def clustered_pairs(labels: Tensor, clusters: Tensor) -> tuple[Tensor, Tensor]:
    """Return the masks of positive and negative pairs, bool ``[B, B]`` each; row i is anchor i.

    Pairs are chosen where label and cluster disagree: a positive has the anchor's label and another cluster, a
    negative has another label and the anchor's cluster.

    Args:
        labels: int ``[B]``.
        clusters: int ``[B]``, arbitrary cluster numbers.
    """
    same_label, same_cluster = labels[:, None] == labels, clusters[:, None] == clusters
    return same_label & ~same_cluster, ~same_label & same_cluster


def clustered_contrastive_loss(
    features: Tensor, labels: Tensor, clusters: Tensor, *, temperature: float = 0.5, base_temperature: float = 0.07
) -> Tensor:
    """Return the supervised contrastive loss over the pairs of :func:`clustered_pairs`, a scalar.

    It is the mean over all rows of the mean over their positives of ``-log softmax`` of the cosines over
    ``temperature``, times ``temperature / base_temperature``. The softmax runs over the row's positives and negatives
    alone. A row without positives counts as 0.

    TACO's instance-instance loss (Gong, Yang, Shen 2025), with the scale of its released code.

    Args:
        features: ``[B, d]``, normalised here; bf16 and float16 are raised to float32.
        labels: int ``[B]``.
        clusters: int ``[B]``, arbitrary cluster numbers.
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


def graded_clustered_pairs(overlap: Tensor, clusters: Tensor, left_out: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Return the weights of positive and negative pairs, float ``[B, B]`` each; row i is anchor i.

    A pair of two clusters is a positive with the weight t, its overlap; a pair of one cluster is a negative with the
    weight ``1 - t``. For overlaps of 0 and 1 these are the pairs of :func:`clustered_pairs`.

    Args:
        overlap: float ``[B, B]``, between 0 and 1, as ``fecbench.overlap`` returns it.
        clusters: int ``[B]``, arbitrary cluster numbers.
        left_out: bool ``[B, B]``, True for pairs that are neither positives nor negatives.
    """
    same_cluster = clusters[:, None] == clusters
    counted = ~torch.eye(len(clusters), dtype=torch.bool, device=clusters.device)
    counted = counted if left_out is None else counted & ~left_out
    return overlap * (counted & ~same_cluster), (1 - overlap) * (counted & same_cluster)


def graded_clustered_contrastive_loss(
    features: Tensor,
    overlap: Tensor,
    clusters: Tensor,
    *,
    temperature: float = 0.5,
    base_temperature: float = 0.07,
    left_out: Tensor | None = None,
) -> Tensor:
    """Return :func:`clustered_contrastive_loss` for texts whose labels overlap by degrees, a scalar.

    The pairs are those of :func:`graded_clustered_pairs`. The mean over positives is weighted, and in the softmax each
    exponential is multiplied by the weight of its row. For overlaps between 0 and 1, the loss takes the only weights
    that are linear in them.

    Args:
        features: ``[B, d]``, normalised here; bf16 and float16 are raised to float32.
        overlap: float ``[B, B]``, between 0 and 1, as ``fecbench.overlap`` returns it.
        clusters: int ``[B]``, arbitrary cluster numbers.
        temperature: tau.
        base_temperature: tau_b.
        left_out: bool ``[B, B]``, True for pairs that are neither positives nor negatives.

    Raises:
        ValueError: a temperature isn't positive.

    >>> graded_clustered_contrastive_loss(torch.eye(2), torch.ones(2, 2), torch.tensor([0, 1]))
    tensor(0.)
    """
    if not base_temperature > 0:
        raise ValueError(f"base_temperature must be positive, found {base_temperature}")
    with torch.autocast(features.device.type, enabled=False):
        similarity = similarities(features, temperature)
        positive, negative = graded_clustered_pairs(overlap.to(similarity.dtype), clusters, left_out)
        weights = positive + negative
        candidate = weights > 0
        losses = anchor_losses(similarity, positive, candidate, torch.where(candidate, weights, 1.0).log())
        return temperature / base_temperature * mean_of_anchors(losses, positive)
