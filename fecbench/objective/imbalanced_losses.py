"""Classification losses for rare labels: focal loss and asymmetric loss, relatives of ``labelling.nll``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, one_hot

from fecbench.objective.labelling import check_labelling, nll

if TYPE_CHECKING:
    from fecbench.data.datasets.dataset import Labelling
    from fecbench.objective.labelling import Reduction


def focal_nll(
    logits: Tensor, targets: Tensor, labelling: Labelling, gamma: float, reduction: Reduction = "mean"
) -> Tensor:
    """Return the focal loss in nats per text, a scalar, or ``[B]`` with ``"none"``; ``gamma`` 0 gives ``nll``.

    Each logarithm of a probability p has the weight ``(1 - p)^gamma``, with gradient (Lin et al. 2017, Focal Loss for
    Dense Object Detection, equation 4). For ``multi`` the loss is the sum over labels. It is linear in the targets, so
    that soft targets give the mean over raters.

    Args:
        logits: ``[B, C]``; bf16 and float16 are raised to float32.
        targets: ``[B, C]`` between 0 and 1; for ``single`` also labels, int64 ``[B]``.
        labelling: ``"single"`` or ``"multi"``.
        gamma: focusing parameter, 0 or more.
        reduction: ``"mean"`` over texts, or ``"none"``.

    Raises:
        ValueError: ``gamma`` is negative or another argument has an unknown value.

    >>> focal_nll(torch.zeros(1, 2), torch.tensor([0]), "single", gamma=1.0)  # half of log 2
    tensor(0.3466)
    """
    check_labelling(labelling)
    if not gamma >= 0:
        raise ValueError(f"gamma must be 0 or more, found {gamma}")
    if gamma == 0:
        return nll(logits, targets, labelling, reduction)
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    shares = (one_hot(targets, logits.shape[1]) if targets.dim() == 1 else targets).to(logits.dtype)
    if labelling == "single":
        log_p = logits.log_softmax(1)
        losses = -(shares * _error(log_p) ** gamma * log_p).sum(1)
    else:
        log_yes, log_no = logsigmoid(logits), logsigmoid(-logits)
        yes, no = (gamma * log_no).exp() * log_yes, (gamma * log_yes).exp() * log_no
        losses = -(shares * yes + (1 - shares) * no).sum(1)
    return losses.mean() if reduction == "mean" else losses


def asymmetric_nll(
    logits: Tensor,
    targets: Tensor,
    gamma_pos: float = 0.0,
    gamma_neg: float = 4.0,
    clip: float = 0.05,
    reduction: Reduction = "mean",
) -> Tensor:
    """Return the asymmetric loss of several labels in nats per text, a scalar, or ``[B]`` with ``"none"``.

    It is the sum over labels of ``-q (1 - p)^gamma_pos log p - (1 - q) p_m^gamma_neg log(1 - p_m)``, where ``p_m`` is
    p less ``clip``, 0 at least (Ridnik et al. 2021, Asymmetric Loss For Multi-Label Classification, equations 4 to 7).
    Without gammas and clip it is ``nll``. The paper has hard targets; for soft ones this is a variant, linear in them.

    Args:
        logits: ``[B, C]``; bf16 and float16 are raised to float32.
        targets: ``[B, C]`` between 0 and 1.
        gamma_pos: focusing parameter of the labels that a text has, 0 or more.
        gamma_neg: focusing parameter of the others, 0 or more.
        clip: probability up to which another label costs nothing, at least 0 and less than 1.
        reduction: ``"mean"`` over texts, or ``"none"``.

    Raises:
        ValueError: a gamma or ``clip`` is out of range.

    >>> asymmetric_nll(torch.zeros(1, 2), torch.tensor([[1.0, 0.0]]), gamma_neg=1.0, clip=0.0)  # 1.5 log 2
    tensor(1.0397)
    """
    if not (gamma_pos >= 0 and gamma_neg >= 0 and 0 <= clip < 1):
        raise ValueError(
            f"gammas must be 0 or more and clip at least 0 and less than 1, found {gamma_pos}, {gamma_neg} and {clip}"
        )
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    targets = targets.to(logits.dtype)
    log_yes, log_no = logsigmoid(logits), logsigmoid(-logits)
    yes = (gamma_pos * log_no).exp() * log_yes
    tiny = torch.finfo(logits.dtype).tiny  # not 0, where the gradient of a small power is infinite
    clipped = (logits.sigmoid() - clip).clamp(min=tiny)
    # log(1 - p + clip), added as logarithms: 1 - p would be 0 for large logits.
    log_clipped_no = torch.logaddexp(log_no, torch.full_like(log_no, math.log(clip) if clip else -math.inf)).clamp(
        max=0
    )
    losses = -(targets * yes + (1 - targets) * clipped**gamma_neg * log_clipped_no).sum(1)
    return losses.mean() if reduction == "mean" else losses


def _error(log_p: Tensor) -> Tensor:
    """Return ``1 - p``, precise for p near 1, and not 0: the gradient of its powers would be infinite."""
    return -torch.expm1(log_p).clamp(max=-torch.finfo(log_p.dtype).tiny)
