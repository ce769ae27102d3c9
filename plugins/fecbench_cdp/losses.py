"""Token masking and the losses of the three tasks (Singh, Brahma, Rai and Modi 2024)."""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, one_hot

IGNORED = -100  # the target that PyTorch's and transformers' cross-entropies leave out


class Masked(NamedTuple):
    """A corrupted input and the tokens to restore.

    Attributes:
        ids: int64 ``[T]``, the corrupted input.
        positions: int64 ``[K]``, positions of these tokens in ``ids``.
        targets: int64 ``[K]``, the original ids at these positions; -100 at positions that were not chosen.
    """

    ids: Tensor
    positions: Tensor
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
    """Choose tokens of ``ids [T]`` at random and corrupt a copy, as BERT's masked language modelling does.

    Each token outside ``special [S]`` is chosen independently with ``probability``. Of the chosen tokens 80
    % become ``mask_id``, 10 % an id drawn from ``words [W]``, and 10 % stay.

    The number of chosen tokens is random, but the number of positions K depends on T alone, so that no
    count has to be copied from the device. K is six standard deviations above the expected number; tokens
    beyond it would be left out.

    >>> ids = torch.arange(5, 1005)
    >>> masked = mask_tokens(ids, torch.tensor([5]), 4, ids, generator=torch.Generator().manual_seed(0))
    >>> chosen = masked.positions[masked.targets != IGNORED]
    >>> 100 < len(chosen) < 200, bool((masked.ids[chosen] == 4).any())
    (True, True)
    """

    def uniform() -> Tensor:
        return torch.rand(ids.shape, generator=generator, device=ids.device)

    is_special = (ids[:, None] == special).any(1)  # torch.isin sorts long lists, for which the host waits for a GPU
    chosen = (uniform() < probability) & ~is_special
    kind = uniform()  # below 0.8: mask, below 0.9: replace, else keep
    random_words = words[(uniform() * len(words)).long()]
    # A copy: the released code masks its stored batch, so that later passes mask masks and learn them as targets.
    corrupted = torch.where(chosen & (kind < 0.8), mask_id, ids)
    corrupted = torch.where(chosen & (kind >= 0.8) & (kind < 0.9), random_words, corrupted)
    expected = probability * len(ids)
    most = min(len(ids), math.ceil(expected + 6 * math.sqrt(expected * (1 - probability))) + 1)
    positions = chosen.to(torch.uint8).topk(most, sorted=False).indices  # the chosen positions come first
    return Masked(corrupted, positions, torch.where(chosen[positions], ids[positions], IGNORED))


def mean_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the mean cross-entropy of ``logits [N, V]`` over the targets, int64 ``[N]``, that aren't -100.

    It is 0, not NaN, if all targets are -100. Computed in float32 at least.

    >>> mean_cross_entropy(torch.zeros(2, 4), torch.tensor([IGNORED, 1]))
    tensor(1.3863)
    """
    logits = logits if logits.dtype == torch.float64 else logits.float()
    total = cross_entropy(logits, targets, ignore_index=IGNORED, reduction="sum")
    return total / (targets != IGNORED).sum().clamp(min=1)


def classification_loss(logits: Tensor, truth: Tensor, sigmoid: bool = False) -> Tensor:
    """Return the main task's loss of ``logits [B, C]``, in float32 at least.

    It is cross-entropy, or with ``sigmoid`` the mean of ``B C`` binary cross-entropies, the original's
    multi-label loss.

    Args:
        logits: ``[B, C]``.
        truth: labels, int64 ``[B]``, or the targets of each label between 0 and 1, ``[B, C]``.
        sigmoid: use binary cross-entropies.
    """
    logits = logits if logits.dtype == torch.float64 else logits.float()
    if not sigmoid:
        return cross_entropy(logits, truth)
    targets = one_hot(truth, logits.shape[1]) if truth.dim() == 1 else truth
    return binary_cross_entropy_with_logits(logits, targets.to(logits.dtype))
