"""Masking, and the losses of the three tasks (Singh, Brahma, Rai and Modi 2024)."""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, one_hot

IGNORED = -100


class Masked(NamedTuple):
    """Tokens to restore.

    Attributes:
        ids: int64 ``[T]``, the corrupted input.
        places: int64 ``[K]``, places in it.
        targets: int64 ``[K]``, what stood there; -100 where the place isn't a chosen one.
    """

    ids: Tensor
    places: Tensor
    targets: Tensor


def mask_tokens(
    ids: Tensor,
    special: Tensor,
    mask_id: int,
    words: Tensor,
    *,
    probability: float = 0.15,
    generator: torch.Generator | None = None,
) -> Masked:
    """Choose tokens of ``ids [T]`` at random and corrupt a copy: of those chosen 80 % are masked, 10 % replaced, 10 % left as they are.

    Each token that is none of ``special [S]`` is chosen by itself with ``probability``; replacements are drawn from ``words [W]``. How many
    are chosen is random, but the number of places K is a function of T alone, so that a device needn't be asked: six standard deviations
    more than are expected; were there still more, they would be left out.

    >>> ids = torch.arange(5, 1005)
    >>> masked = mask_tokens(ids, torch.tensor([5]), 4, ids, generator=torch.Generator().manual_seed(0))
    >>> chosen = masked.places[masked.targets != IGNORED]
    >>> 100 < len(chosen) < 200, bool((masked.ids[chosen] == 4).any())
    (True, True)
    """

    def chance() -> Tensor:
        return torch.rand(ids.shape, generator=generator, device=ids.device)

    chosen = (chance() < probability) & ~torch.isin(ids, special)
    fate = chance()
    random_words = words[(chance() * len(words)).long()]
    corrupted = torch.where(chosen & (fate < 0.8), mask_id, ids)
    corrupted = torch.where(chosen & (fate >= 0.8) & (fate < 0.9), random_words, corrupted)
    expected = probability * len(ids)
    most = min(len(ids), math.ceil(expected + 6 * math.sqrt(expected * (1 - probability))) + 1)
    places = chosen.to(torch.uint8).topk(most, sorted=False).indices
    return Masked(corrupted, places, torch.where(chosen[places], ids[places], IGNORED))


def mean_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy of ``logits [N, V]`` where ``targets`` int64 ``[N]`` aren't -100; 0 where all are. Float32 at least.

    >>> mean_cross_entropy(torch.zeros(2, 4), torch.tensor([IGNORED, 1]))
    tensor(1.3863)
    """
    logits = logits if logits.dtype == torch.float64 else logits.float()
    total = cross_entropy(logits, targets, ignore_index=IGNORED, reduction="sum")
    return total / (targets != IGNORED).sum().clamp(min=1)


def classification_loss(logits: Tensor, labels: Tensor, sigmoid: bool = False) -> Tensor:
    """The main task's loss of ``logits [B, C]`` against ``labels`` int64 ``[B]``: cross-entropy, or with ``sigmoid`` the original's mean of
    ``B C`` binary cross-entropies. Float32 at least."""
    logits = logits if logits.dtype == torch.float64 else logits.float()
    if sigmoid:
        return binary_cross_entropy_with_logits(logits, one_hot(labels, logits.shape[1]).to(logits.dtype))
    return cross_entropy(logits, labels)
