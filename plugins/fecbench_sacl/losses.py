"""The two terms of SACL's joint loss (Hu et al., ACL 2023), in the form of the released code."""

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, logsigmoid, softplus

from fecbench import similarities

Labelling = Literal["single", "multi"]


def nt_xent_loss(features: Tensor, labels: Tensor, *, temperature: float) -> Tensor:
    """Return the NT-Xent loss with labels (released code; pytorch-metric-learning's form).

    It is the mean over ordered pairs (i, p) of one label of ``-log exp(s_ip) / (exp(s_ip) + sum_n
    exp(s_in))``, where n runs over rows of other labels and s are cosine similarities over ``temperature``.
    Unlike in SupCon, the other positives of an anchor are not in the denominator, and pairs, not anchors,
    have equal weight. Without a pair of one label, or with a single label, loss and gradient are 0.

    Args:
        features: ``[N, d]``, normalised here; bf16 and float16 are raised to float32.
        labels: int ``[N]``.
        temperature: tau.

    Raises:
        ValueError: the temperature isn't positive.

    >>> round(nt_xent_loss(torch.ones(4, 2), torch.tensor([0, 0, 1, 1]), temperature=0.1).item(), 6)  # log 3
    1.098612
    """
    with torch.autocast(features.device.type, enabled=False):
        similarity = similarities(features, temperature)
        same = labels[:, None] == labels
        opposed = (~same).any(1, keepdim=True)
        left_out = same & opposed  # not in rows without negatives: logsumexp over nothing has the gradient NaN
        negatives = similarity.masked_fill(left_out, -torch.inf).logsumexp(1, keepdim=True)
        counted = left_out & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
        # -log(e^s / (e^s + e^n)) = softplus(n - s), which doesn't overflow.
        losses = softplus(negatives - similarity).masked_fill(~counted, 0.0)
        return losses.sum() / counted.sum().clamp(min=1)


def focal_cross_entropy(
    logits: Tensor, labels: Tensor, gamma: float = 0.0, class_weights: Tensor | None = None
) -> Tensor:
    """Return the focal loss, the mean over rows of ``-w_y (1 - p_y)^gamma log p_y``; gamma 0 gives cross-entropy.

    The factor ``1 - p_y`` has no gradient (released code).

    Args:
        logits: ``[N, C]``; bf16 and float16 are raised to float32.
        labels: int64 ``[N]``.
        gamma: focusing parameter; larger values reduce the weight of rows that are already right.
        class_weights: ``[C]``, w; 1 by default.

    >>> round(focal_cross_entropy(torch.zeros(2, 2), torch.tensor([0, 1]), gamma=1.0).item(), 6)  # half of log 2
    0.346574
    """
    losses = cross_entropy(logits.to(torch.promote_types(logits.dtype, torch.float32)), labels, reduction="none")
    if gamma:
        error = -torch.expm1(-losses.detach())  # 1 - p_y, precise for p_y near 1
        losses = error**gamma * losses
    if class_weights is not None:
        losses = class_weights[labels] * losses
    return losses.mean()


def log_probabilities(logits: Tensor, labelling: Labelling) -> Tensor:
    """Return the log-probabilities of a text's possible answers, at least float32.

    For labels that exclude one another these are the log-softmax ``[N, C]``. Otherwise each label is present or not:
    ``[N, 2 C]``, the log-probabilities of C labels' presence, then of their absence.

    Args:
        logits: ``[N, C]``; bf16 and float16 are raised to float32.
        labelling: ``"single"`` if labels exclude one another, else ``"multi"``.

    >>> log_probabilities(torch.zeros(1, 2), "multi").exp()
    tensor([[0.5000, 0.5000, 0.5000, 0.5000]])
    """
    raised = logits.to(torch.promote_types(logits.dtype, torch.float32))
    if labelling == "single":
        return raised.log_softmax(1)
    return torch.cat([logsigmoid(raised), logsigmoid(-raised)], 1)


def graded_focal_cross_entropy(logits: Tensor, targets: Tensor, labelling: Labelling, gamma: float = 0.0) -> Tensor:
    """Return :func:`focal_cross_entropy` for shares of labels or several labels a text.

    It is the mean over texts of the sum over :func:`log_probabilities` of ``-q (1 - p)^gamma log p``, with q the target
    of each. For several labels these are q and ``1 - q``, and gamma 0 gives the sum of binary cross-entropies. The
    factor ``1 - p`` has no gradient.

    Args:
        logits: ``[N, C]``; bf16 and float16 are raised to float32.
        targets: ``[N, C]`` between 0 and 1.
        labelling: ``"single"`` if labels exclude one another, else ``"multi"``.
        gamma: focusing parameter.

    >>> targets = torch.tensor([[1.0, 0.0]])
    >>> round(graded_focal_cross_entropy(torch.zeros(1, 2), targets, "multi", gamma=1.0).item(), 6)  # log 2
    0.693147
    """
    log_p = log_probabilities(logits, labelling)
    shares = targets if labelling == "single" else torch.cat([targets, 1 - targets], 1)
    error = -torch.expm1(log_p.detach())  # 1 - p, precise for p near 1
    return -(shares.to(log_p.dtype) * error**gamma * log_p).sum(1).mean()


def graded_nt_xent_loss(
    features: Tensor, overlap: Tensor, *, temperature: float, left_out: Tensor | None = None
) -> Tensor:
    """Return :func:`nt_xent_loss` for texts whose labels overlap by degrees.

    Each pair (i, p) is a positive with the weight t_ip, its overlap, and each row n a negative with the weight ``1 -
    t_in``: the mean, weighted by t_ip, of ``-log exp(s_ip) / (exp(s_ip) + sum_n (1 - t_in) exp(s_in))``. For overlaps
    of 0 and 1 these are the paper's pairs; in between, the loss takes the only weights that are linear in t.

    Args:
        features: ``[N, d]``, normalised here; bf16 and float16 are raised to float32.
        overlap: float ``[N, N]``, between 0 and 1, as ``fecbench.overlap`` returns it.
        temperature: tau.
        left_out: bool ``[N, N]``, True for pairs that are neither positives nor negatives.

    Raises:
        ValueError: the temperature isn't positive.

    >>> overlap = torch.tensor([[1.0, 0.5], [0.5, 1.0]])
    >>> round(graded_nt_xent_loss(torch.ones(2, 2), overlap, temperature=0.1).item(), 6)  # log 1.5
    0.405465
    """
    with torch.autocast(features.device.type, enabled=False):
        similarity = similarities(features, temperature)
        others = ~torch.eye(len(overlap), dtype=torch.bool, device=overlap.device)
        others = others if left_out is None else others & ~left_out
        overlap = overlap.to(similarity.dtype)
        opposed = ((overlap < 1) & others).any(1, keepdim=True)
        # Rows without negatives keep the weight 1 for all, as in nt_xent_loss, and aren't counted.
        weights = torch.where(opposed, (1 - overlap) * others, 1.0)
        negatives = (similarity + weights.log()).logsumexp(1, keepdim=True)
        counted = overlap * (others & opposed)
        return (counted * softplus(negatives - similarity)).sum() / _or_one(counted.sum())


def _or_one(total: Tensor) -> Tensor:
    return torch.where(total > 0, total, 1.0)
