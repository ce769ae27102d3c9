"""The label-aware contrastive loss (Suresh and Ong, Not All Negatives are Equal, EMNLP 2021)."""

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from fecbench import anchor_losses, mean_of_anchors, similarities


def label_aware_contrastive_loss(
    features: Tensor,
    labels: Tensor,
    helper_logits: Tensor,
    *,
    temperature: float,
    empty_anchor: Literal["zero", "skip"] = "zero",
    detach_weights: bool = False,
) -> Tensor:
    """Return the label-aware contrastive loss of a batch (equation 4).

    Row k of an anchor i has the weight ``w_i,yk``, the probability that a second, jointly trained network
    (the weighting network) gives to class ``y_k`` for text i. The loss of an anchor is ``w_i,yi`` times the
    mean over positives p of ``-s_ip + log sum_(k != i) w_i,yk exp(s_ik)``; then comes the mean over
    anchors. The anchor's own weight is outside the logarithm, which is the authors' correction of the
    printed equation. The loss can be negative.

    Args:
        features: ``[N, d]``, normalised here; bf16 and float16 are raised to float32.
        labels: int64 ``[N]``.
        helper_logits: raw logits of the weighting network ``[N, C]``.
        temperature: tau.
        empty_anchor: count an anchor without positives as 0 (``"zero"``), or leave it out of the mean
            (``"skip"``).
        detach_weights: send no gradient of this loss into the weighting network.

    Raises:
        ValueError: the temperature isn't positive, ``empty_anchor`` is unknown, or the arguments differ in
            rows.

    >>> labels, helper_logits = torch.zeros(3, dtype=int), torch.zeros(3, 2)
    >>> round(label_aware_contrastive_loss(torch.ones(3, 2), labels, helper_logits, temperature=1.0).item(), 6)
    0.0
    """
    if not len(features) == len(labels) == len(helper_logits):
        raise ValueError(
            "every row needs features, label and helper logits, "
            f"found {len(features)}, {len(labels)}, {len(helper_logits)}"
        )
    with torch.autocast(features.device.type, enabled=False):
        similarity = similarities(features, temperature)
        others = ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
        positive = (labels[:, None] == labels) & others
        # Weights enter the exponent as log-softmax: the logarithm of a softmax would be -inf for tiny weights.
        log_weights = helper_logits.to(similarity.dtype).log_softmax(1)
        log_weights = (log_weights.detach() if detach_weights else log_weights)[:, labels]
        own_weights = log_weights.diagonal().exp()
        losses = own_weights * anchor_losses(similarity, positive, others, log_weights)
        return mean_of_anchors(losses, positive, empty_anchor)


def graded_label_aware_contrastive_loss(
    features: Tensor,
    targets: Tensor,
    overlap: Tensor,
    log_probabilities: Tensor,
    *,
    temperature: float,
    empty_anchor: Literal["zero", "skip"] = "zero",
    detach_weights: bool = False,
    left_out: Tensor | None = None,
) -> Tensor:
    """Return :func:`label_aware_contrastive_loss` for texts whose labels overlap by degrees.

    Row k of an anchor i has the weight ``sum_c q_kc p_ic``, the mean probability, for text i, of the labels of
    text k; positives have their overlap as weight. For one-hot targets this is the authors' loss. Other
    forms would be too: this one is fecbench's choice. A row without labels counts as one that has all in equal shares.

    Args:
        features: ``[N, d]``, normalised here; bf16 and float16 are raised to float32.
        targets: float ``[N, C]`` between 0 and 1; q is each row over its sum.
        overlap: float ``[N, N]``, between 0 and 1, as ``fecbench.overlap`` returns it.
        log_probabilities: ``[N, C]``, log p of the weighting network, from :func:`label_log_probabilities`.
        temperature: tau.
        empty_anchor: count an anchor without positives as 0 (``"zero"``), or leave it out of the mean
            (``"skip"``).
        detach_weights: send no gradient of this loss into the weighting network.
        left_out: bool ``[N, N]``, True for pairs that are neither positives nor in the denominator.

    Raises:
        ValueError: the temperature isn't positive, or ``empty_anchor`` is unknown.

    >>> targets, log_probabilities = torch.ones(3, 2), torch.full((3, 2), 0.5).log()
    >>> overlap = torch.ones(3, 3)
    >>> loss = graded_label_aware_contrastive_loss(torch.ones(3, 2), targets, overlap, log_probabilities, temperature=1)
    >>> round(loss.item(), 6)
    0.0
    """
    with torch.autocast(features.device.type, enabled=False):
        similarity = similarities(features, temperature)
        others = ~torch.eye(len(targets), dtype=torch.bool, device=targets.device)
        others = others if left_out is None else others & ~left_out
        positive = overlap.to(similarity.dtype) * others
        log_p = (log_probabilities.detach() if detach_weights else log_probabilities).to(similarity.dtype)
        # log sum_c q_kc p_ic, [anchors i, rows k]. As logarithms: a probability may be too small for a float.
        log_weights = (log_p[:, None] + _label_shares(targets).to(log_p.dtype).log()).logsumexp(-1)
        own_weights = log_weights.diagonal().exp()
        losses = own_weights * anchor_losses(similarity, positive, others, log_weights)
        return mean_of_anchors(losses, positive, empty_anchor)


def label_log_probabilities(logits: Tensor, labelling: Literal["single", "multi"]) -> Tensor:
    """Return the log-probability of each label, ``[N, C] -> [N, C]``, at least float32.

    It is ``log_softmax`` for labels that exclude one another (``single``), and ``logsigmoid`` for others (``multi``).

    >>> label_log_probabilities(torch.zeros(1, 4), "single").exp()
    tensor([[0.2500, 0.2500, 0.2500, 0.2500]])
    >>> label_log_probabilities(torch.zeros(1, 4), "multi").exp()
    tensor([[0.5000, 0.5000, 0.5000, 0.5000]])
    """
    raised = logits.to(torch.promote_types(logits.dtype, torch.float32))
    return raised.log_softmax(1) if labelling == "single" else logsigmoid(raised)


def own_label_weights(targets: Tensor, log_probabilities: Tensor) -> Tensor:
    """Return the weight of each anchor's own labels ``[N]``: the mean probability of its labels.

    Args:
        targets: float ``[N, C]`` between 0 and 1.
        log_probabilities: ``[N, C]``, as in :func:`graded_label_aware_contrastive_loss`.

    >>> own_label_weights(torch.tensor([[1.0, 1.0, 0.0]]), torch.tensor([[0.5, 0.3, 0.9]]).log())
    tensor([0.4000])
    """
    return (_label_shares(targets) * log_probabilities.exp()).sum(1)


def _label_shares(targets: Tensor) -> Tensor:
    """Return each row of targets ``[N, C]`` over its sum; equal shares for a row without labels."""
    shared = torch.where(targets.any(1, keepdim=True), targets, 1.0)
    return shared / shared.sum(1, keepdim=True)
