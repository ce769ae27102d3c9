"""Convert logits to predicted labels and probabilities.

A row of -inf means "no answer": its label is ``NO_ANSWER`` and its probabilities are all 0, so it counts as wrong
and as a prediction of no class. All code that handles such rows imports this module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

NO_ANSWER = -1  # the label of a row without an answer, also in records
NO_ANSWER_TEXT = "no answer"


def answers(logits: Tensor) -> Tensor:
    """Return the predicted label of each row, ``[N, C] -> [N]``: the first maximum, or ``NO_ANSWER``.

    >>> import torch
    >>> answers(torch.tensor([[0.0, 2.0], [-torch.inf, -torch.inf]]))
    tensor([ 1, -1])
    """
    return logits.argmax(1).masked_fill(_without_answer(logits), NO_ANSWER)


def broken(logits: Tensor) -> Tensor:
    """Return the mask ``[N]`` of rows with an infinity or NaN; rows without an answer aren't broken.

    >>> import torch
    >>> broken(torch.tensor([[0.0, torch.nan], [-torch.inf, -torch.inf], [-torch.inf, 0.0]]))
    tensor([ True, False,  True])
    """
    return ~logits.isfinite().all(1) & ~_without_answer(logits)


def broken_rows(logits: np.ndarray) -> np.ndarray:
    """Return the mask of :func:`broken` for an array ``[N, C]``, without torch.

    >>> import numpy as np
    >>> broken_rows(np.array([[0.0, np.nan], [-np.inf, -np.inf], [-np.inf, 0.0]]))
    array([ True, False,  True])
    """
    import numpy as np

    broken: np.ndarray = ~np.isfinite(logits).all(1) & ~np.isneginf(logits).all(1)
    return broken


def probabilities(logits: Tensor) -> Tensor:
    """Return the softmax of each row, ``[N, C] -> [N, C]``; all 0 for rows without an answer.

    >>> import torch
    >>> probabilities(torch.tensor([[0.0, 0.0], [-torch.inf, -torch.inf]]))
    tensor([[0.5000, 0.5000],
            [0.0000, 0.0000]])
    """
    return logits.softmax(-1).masked_fill(_without_answer(logits).unsqueeze(-1), 0.0)


def _without_answer(logits: Tensor) -> Tensor:
    """Return the mask ``[N]`` of rows that are all -inf."""
    return logits.isneginf().all(-1)  # any shape: readers of damaged records check the shape afterwards
