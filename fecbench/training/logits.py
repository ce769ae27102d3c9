"""Turn logits into answers and probabilities; a row of -inf is no answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def answers(logits: Tensor) -> Tensor:
    """The label ``[N]`` of each row of ``logits [N, C]``, its first greatest; -1 where a row is all -inf, which is no answer.

    >>> answers(torch.tensor([[0.0, 2.0], [-torch.inf, -torch.inf]]))
    tensor([ 1, -1])
    """
    return logits.argmax(1).masked_fill(logits.isneginf().all(1), -1)


def broken(logits: Tensor) -> Tensor:
    """Which rows ``[N]`` of ``logits [N, C]`` hold an infinity or NaN and aren't all -inf, no answer."""
    return ~logits.isfinite().all(1) & (answers(logits) >= 0)


def probabilities(logits: Tensor) -> Tensor:
    """The probabilities ``[N, C]`` of ``logits [N, C]``; all 0 in a row of -inf, which is no answer.

    >>> probabilities(torch.tensor([[0.0, 0.0], [-torch.inf, -torch.inf]]))
    tensor([[0.5000, 0.5000],
            [0.0000, 0.0000]])
    """
    return logits.softmax(-1).masked_fill(logits.isneginf().all(-1, keepdim=True), 0.0)
