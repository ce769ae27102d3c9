"""The adversarial metric learning loss (AML paper, definition 2 and section 3.3.3), for hard and graded targets."""

import torch
from torch import Tensor
from torch.nn.functional import softplus


def aml_loss(
    logits: Tensor,
    target: Tensor,
    *,
    positive: Tensor | None = None,
    w_pos: float = 0.5,
    valid: Tensor | None = None,
) -> Tensor:
    """Return the weighted binary cross-entropy of hard pairs, ``L_aml`` (definition 2).

    It is ``w_pos`` times the mean of ``-t log s - (1 - t) log(1 - s)`` over hard positives plus ``1 - w_pos``
    times its mean over hard negatives; with t of 1 and 0, the paper's loss. If one kind has no valid pairs,
    the other kind has weight 1. Without any pair the loss is 0 and still attached to the graph.

    Args:
        logits: ``[P]``, logits of the scores s; bf16 and float16 are raised to float32.
        target: ``[P]``, the targets t between 0 and 1: the score that a pair should have.
        positive: bool ``[P]``, True for a hard positive; by default pairs of a target above 1/2.
        w_pos: weight of the hard positives, between 0 and 1, both excluded.
        valid: bool ``[P]``, True in slots that hold a pair; all by default.

    Raises:
        ValueError: ``w_pos`` isn't between 0 and 1.

    >>> aml_loss(torch.zeros(2), torch.tensor([1.0, 0.0]))
    tensor(0.6931)
    """
    with torch.autocast(logits.device.type, enabled=False):
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
        target = target.to(logits.dtype)
        empty, weights = _weights(target, positive, w_pos, valid)
        # Empty slots are filled: their weight of 0 would turn an infinity into NaN.
        return (weights * pair_losses(logits.masked_fill(empty, 0.0), target)).sum()


def aml_excess(
    logits: Tensor,
    target: Tensor,
    *,
    positive: Tensor | None = None,
    w_pos: float = 0.5,
    valid: Tensor | None = None,
) -> Tensor:
    """Return ``L_aml`` less its least value for these targets, the weighted mean of ``KL(t || s)``.

    A pair of target t costs at least the entropy of t, at the score t. Only the excess can become 0, and only the
    excess is comparable between data sets. For hard targets it is :func:`aml_loss`, whose arguments it shares.

    Raises:
        ValueError: ``w_pos`` isn't between 0 and 1.

    >>> aml_excess(torch.zeros(2), torch.tensor([0.5, 0.5]), positive=torch.tensor([True, False]))
    tensor(0.)
    """
    loss = aml_loss(logits, target, positive=positive, w_pos=w_pos, valid=valid)
    return loss - aml_floor(target.to(loss.dtype), positive=positive, w_pos=w_pos, valid=valid)


def aml_floor(
    target: Tensor, *, positive: Tensor | None = None, w_pos: float = 0.5, valid: Tensor | None = None
) -> Tensor:
    """Return the least ``L_aml`` that scores of pairs with these targets can have: their weighted mean entropy.

    It is 0 for hard targets. The arguments are those of :func:`aml_loss`.

    Raises:
        ValueError: ``w_pos`` isn't between 0 and 1.

    >>> aml_floor(torch.tensor([0.5, 0.0]), positive=torch.tensor([True, False]))  # log 2 of the half with a doubt
    tensor(0.3466)
    """
    target = target.to(torch.promote_types(target.dtype, torch.float32))
    _, weights = _weights(target, positive, w_pos, valid)
    return (weights * entropy(target)).sum()


def pair_losses(logits: Tensor, target: Tensor) -> Tensor:
    """Return ``-t log s - (1 - t) log(1 - s)`` of each pair, ``[P]``; logits and targets have one type."""
    # -log s is softplus(-a) and -log(1 - s) is softplus(a). lerp mixes both, and is exact at t = 0 and t = 1.
    return torch.lerp(softplus(logits), softplus(-logits), target)


def entropy(target: Tensor) -> Tensor:
    """Return the entropy of a Bernoulli variable of mean ``target``, in nats; 0 at 0 and 1."""
    entropies: Tensor = torch.special.entr(target) + torch.special.entr(1 - target)
    return entropies


def _weights(target: Tensor, positive: Tensor | None, w_pos: float, valid: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return the mask of empty slots, and each pair's weight in the loss, both ``[P]``.

    Weights sum to 1, or are all 0 if there is no pair.

    Raises:
        ValueError: ``w_pos`` isn't between 0 and 1.
    """
    if not 0 < w_pos < 1:
        raise ValueError(f"w_pos must lie between 0 and 1, both excluded, found {w_pos}")
    positive = target > 0.5 if positive is None else positive
    valid = torch.ones_like(positive) if valid is None else valid
    empty = ~valid
    positives = (positive & valid).sum(dtype=target.dtype)
    negatives = valid.sum(dtype=target.dtype) - positives
    pairs_per_weight = torch.where(positive, positives / w_pos, negatives / (1 - w_pos))
    weights = pairs_per_weight.reciprocal().masked_fill(empty, 0.0)
    # The sum is less than 1 if a kind has no pairs. Without any pair it is 0: the clamp, which no other case reaches,
    # avoids 0 / 0.
    return empty, weights / weights.sum().clamp(min=min(w_pos, 1 - w_pos) / 2)
