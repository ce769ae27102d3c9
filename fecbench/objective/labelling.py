"""Likelihood, probabilities and decisions for both labellings of texts.

A data set's labelling is ``single`` if its labels exclude one another, so that a text's targets are a distribution, or
``multi`` if they don't, so that each label of a text is a yes-or-no question. Targets may be hard (one label, or 0 and
1) or soft (shares of raters) in both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

if TYPE_CHECKING:
    from fecbench.data.datasets.dataset import Labelling

Reduction = Literal["mean", "none"]


def nll(
    logits: Tensor, targets: Tensor, labelling: Labelling, reduction: Reduction = "mean", smoothing: float = 0.0
) -> Tensor:
    """Return the negative log-likelihood of the targets in nats per text, a scalar, or ``[B]`` with ``"none"``.

    - ``single``: ``-sum_c q_c log softmax(f)_c``; with labels torch's ``cross_entropy``, bit for bit.
    - ``multi``: the sum over labels of the binary cross-entropies, the negative log-likelihood of the label vector.
      The default of torch and transformers, a mean over labels as well, is ``1 / C`` of it, so that weights of other
      losses would mean something else.

    Args:
        logits: ``[B, C]``; bf16 and float16 are raised to float32.
        targets: ``[B, C]`` between 0 and 1; for ``single`` also labels, int64 ``[B]``.
        labelling: ``"single"`` or ``"multi"``.
        reduction: ``"mean"`` over texts, or ``"none"``.
        smoothing: share of label smoothing (:func:`smooth_targets`).

    Raises:
        ValueError: the labelling or the reduction is unknown.

    >>> nll(torch.zeros(1, 4), torch.tensor([[1.0, 0.0, 1.0, 0.0]]), "multi")  # 4 log 2
    tensor(2.7726)
    >>> nll(torch.zeros(1, 4), torch.tensor([2]), "single")  # log 4
    tensor(1.3863)
    """
    check_labelling(labelling)
    if reduction not in ("mean", "none"):
        raise ValueError(f"reduction must be 'mean' or 'none', found {reduction!r}")
    # Logits computed under bf16 autocast have 8 significant bits, too few for a log-softmax.
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    if labelling == "single":
        # With labels as integers, torch has a kernel of its own, whose last bits differ from that for targets.
        return cross_entropy(logits, _of_type(targets, logits), reduction=reduction, label_smoothing=smoothing)
    targets = smooth_targets(targets, smoothing, labelling) if smoothing else targets
    losses = binary_cross_entropy_with_logits(logits, targets.to(logits.dtype), reduction="none").sum(1)
    return losses.mean() if reduction == "mean" else losses


def nll_floor(targets: Tensor, labelling: Labelling) -> Tensor:
    """Return the least :func:`nll` that any logits can have for the targets ``[B, C]``: their entropy, a scalar.

    It is 0 for hard targets. The excess over it is the Kullback-Leibler divergence from targets to probabilities.

    Raises:
        ValueError: the labelling is unknown.

    >>> nll_floor(torch.tensor([[0.5, 0.0]]), "multi")  # log 2
    tensor(0.6931)
    """
    check_labelling(labelling)
    entropies: Tensor = torch.special.entr(targets)
    if labelling == "multi":
        entropies = entropies + torch.special.entr(1 - targets)
    return entropies.sum(1).mean()


def probabilities(logits: Tensor, labelling: Labelling) -> Tensor:
    """Return the softmax (``single``) or sigmoid (``multi``) of logits ``[N, C]``; 0 in rows that are all -inf.

    Raises:
        ValueError: the labelling is unknown.

    >>> probabilities(torch.tensor([[0.0, 0.0], [-torch.inf, -torch.inf]]), "multi")
    tensor([[0.5000, 0.5000],
            [0.0000, 0.0000]])
    """
    check_labelling(labelling)
    if labelling == "multi":
        return logits.sigmoid()
    return logits.softmax(-1).masked_fill(logits.isneginf().all(-1, keepdim=True), 0.0)


def decide(
    probabilities: Tensor, labelling: Labelling, thresholds: Tensor | float = 0.5, at_least_one: bool = False
) -> Tensor:
    """Return the labels that are given to each text.

    - ``single``: the first most probable label, int64 ``[N]``; -1 for a row of zeros.
    - ``multi``: the labels whose probability reaches their threshold, bool ``[N, C]``.

    Args:
        probabilities: ``[N, C]``; a row of zeros has no answer and is given nothing.
        labelling: ``"single"`` or ``"multi"``.
        thresholds: ``[C]``, or one number; for ``multi`` alone.
        at_least_one: give the most probable label to a text that no other rule gives a label; for ``multi`` alone.

    Raises:
        ValueError: the labelling is unknown.

    >>> decide(torch.tensor([[0.6, 0.1], [0.2, 0.3]]), "multi", torch.tensor([0.5, 0.3]))
    tensor([[ True, False],
            [False,  True]])
    """
    check_labelling(labelling)
    best = probabilities.argmax(1)
    answered = probabilities.any(1)
    if labelling == "single":
        return best.masked_fill(~answered, -1)
    given = (probabilities >= thresholds) & answered[:, None]
    if at_least_one:
        lacking = answered & ~given.any(1)
        given = given.scatter(1, best[:, None], given.gather(1, best[:, None]) | lacking[:, None])
    return given


def smooth_targets(targets: Tensor, share: float, labelling: Labelling) -> Tensor:
    """Return the targets ``[B, C]`` mixed with ``share`` of ignorance: 1/C (``single``) or 1/2 (``multi``) a label.

    Label smoothing (Szegedy et al. 2016, Rethinking the Inception Architecture, section 7).

    Raises:
        ValueError: the labelling is unknown, or ``share`` isn't between 0 and 1.

    >>> smooth_targets(torch.tensor([[1.0, 0.0]]), 0.1, "multi")
    tensor([[0.9500, 0.0500]])
    """
    check_labelling(labelling)
    if not 0 <= share <= 1:
        raise ValueError(f"share must be between 0 and 1, found {share}")
    return (1 - share) * targets + share / (targets.shape[1] if labelling == "single" else 2)


def adjust_logits(logits: Tensor, prior: Tensor, labelling: Labelling, tau: float = 1.0) -> Tensor:
    """Return the logits to train on, so that those that predict favour no frequent label.

    Logit adjustment (Menon et al. 2021, Long-tail learning via logit adjustment, equation 10): ``f + tau log(pi)``
    for ``single``. For ``multi`` the offset is ``tau logit(pi)``, the same rule for each yes-or-no question.

    Args:
        logits: ``[B, C]``.
        prior: ``[C]``, share of the training rows with each label, between 0 and 1, both excluded.
        labelling: ``"single"`` or ``"multi"``.
        tau: strength; 0 changes nothing.

    Raises:
        ValueError: the labelling is unknown.

    >>> adjust_logits(torch.zeros(1, 2), torch.tensor([0.5, 0.1]), "multi")
    tensor([[ 0.0000, -2.1972]])
    """
    check_labelling(labelling)
    return logits + tau * (prior.log() if labelling == "single" else prior.logit())


def check_labelling(labelling: str) -> None:
    """Raise ValueError if ``labelling`` is neither ``"single"`` nor ``"multi"``."""
    if labelling not in ("single", "multi"):
        raise ValueError(f"labelling must be 'single' or 'multi', found {labelling!r}")


def _of_type(targets: Tensor, logits: Tensor) -> Tensor:
    """Return labels as they are, and shares in the type of the logits."""
    return targets if targets.dim() == 1 else targets.to(logits.dtype)
