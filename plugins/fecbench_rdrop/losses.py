"""The regulariser of R-Drop (Wu et al., R-Drop: Regularized Dropout for Neural Networks, NeurIPS 2021, equation 2)."""

import torch
from torch import Tensor
from torch.nn.functional import kl_div


def symmetric_kl(first: Tensor, second: Tensor) -> Tensor:
    """Return the mean over rows of ``(KL(p || q) + KL(q || p)) / 2``, a scalar in nats.

    Args:
        first: logits ``[B, C]`` of ``p``; bf16 and float16 are raised to float32.
        second: logits ``[B, C]`` of ``q``.

    >>> symmetric_kl(torch.tensor([[0.0, 2.0]]), torch.tensor([[0.0, 2.0]])).item()
    0.0
    >>> round(symmetric_kl(torch.tensor([[0.0, 0.0]]), torch.tensor([[0.0, 2.0]])).item(), 4)
    0.3808
    """
    # Log-probabilities, not probabilities: the logarithm of a softmax that underflows to 0 would be -inf.
    p, q = (logits.to(torch.promote_types(logits.dtype, torch.float32)).log_softmax(-1) for logits in (first, second))
    # torch's kl_div(q, p) is KL(p || q): its first argument is the second distribution.
    both = kl_div(q, p, reduction="batchmean", log_target=True) + kl_div(p, q, reduction="batchmean", log_target=True)
    return both / 2


def symmetric_bernoulli_kl(first: Tensor, second: Tensor) -> Tensor:
    """Return the mean over rows of ``sum_c (KL(p_c || q_c) + KL(q_c || p_c)) / 2``, a scalar in nats.

    The divergence of :func:`symmetric_kl` for labels that don't exclude each other: each is a Bernoulli variable.

    Args:
        first: logits ``[B, C]`` of ``p``; bf16 and float16 are raised to float32.
        second: logits ``[B, C]`` of ``q``.

    >>> round(symmetric_bernoulli_kl(torch.tensor([[0.0, 1.0]]), torch.tensor([[2.0, 1.0]])).item(), 4)
    0.3808
    """
    p, q = (logits.to(torch.promote_types(logits.dtype, torch.float32)) for logits in (first, second))
    # KL(p || q) + KL(q || p) is the product of both differences, of probabilities and of logits: no logarithm.
    return ((p.sigmoid() - q.sigmoid()) * (p - q)).sum(1).mean() / 2
