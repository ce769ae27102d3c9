"""What supervised contrastive losses share: an anchor's loss against weighted candidates, without NaN where there is no positive."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import normalize

EmptyAnchor = Literal["zero", "skip"]


def similarities(features: Tensor, temperature: float) -> Tensor:
    """Cosines over ``temperature``, ``[N, N]``, of ``features [N, d]``; bf16 and float16 are raised to float32, float64 stays.

    Call it, and what follows it, with autocast off.

    Raises:
        ValueError: the temperature isn't positive.
    """
    if not temperature > 0:
        raise ValueError(f"temperature must be positive, found {temperature}")
    z = normalize(features.to(torch.promote_types(features.dtype, torch.float32)), eps=1e-12)
    return z @ z.T / temperature


def anchor_losses(similarity: Tensor, positive: Tensor, candidate: Tensor, log_weights: Tensor | None = None) -> Tensor:
    """Of each anchor i the mean over its positives p of ``-s_ip + log sum_k w_ik exp(s_ik)``, k over its candidates.

    With equal weights this is the "out" form of Khosla et al. 2020 (equation 2). An anchor without positives has loss 0 and gradient 0.

    Args:
        similarity: ``[A, N]``, the s of A anchors.
        positive: bool ``[A, N]``.
        candidate: bool ``[A, N]``, every positive among them.
        log_weights: ``[A, N]``, log w; 0 by default.

    >>> same = torch.ones(2, 2, dtype=torch.bool)
    >>> anchor_losses(torch.zeros(2, 2), same.tril(-1), same)
    tensor([0.0000, 0.6931])
    """
    counts = positive.sum(1)
    weighted = similarity if log_weights is None else similarity + log_weights
    left_out = (
        ~candidate & (counts > 0)[:, None]
    )  # a row without a candidate would be a logsumexp of nothing, with gradient NaN
    normaliser = weighted.masked_fill(left_out, -torch.inf).logsumexp(1)
    attraction = similarity.masked_fill(~positive, 0.0).sum(1) / counts.clamp(min=1)
    return torch.where(counts > 0, normaliser - attraction, 0.0)


def mean_of_anchors(losses: Tensor, positive: Tensor, empty_anchor: EmptyAnchor = "zero") -> Tensor:
    """The mean of ``losses [A]``; with ``"skip"`` over the anchors that have a positive in ``positive [A, N]``, and 0 where none has.

    Raises:
        ValueError: ``empty_anchor`` is neither ``"zero"`` nor ``"skip"``.
    """
    if empty_anchor not in ("zero", "skip"):
        raise ValueError(f"empty_anchor must be 'zero' or 'skip', found {empty_anchor!r}")
    counted = max(len(losses), 1) if empty_anchor == "zero" else positive.any(1).sum().clamp(min=1)
    return losses.sum() / counted


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

    TACO's instance-instance loss (Gong, Yang, Shen 2025), with the scale of its released code.

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
