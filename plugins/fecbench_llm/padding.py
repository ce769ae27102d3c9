"""Rows of token ids as one padded tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

Ids = list[int]
EMPTY = -1  # no token id


class Padded(NamedTuple):
    """Rows of token ids of one width.

    Attributes:
        ids: int64 ``[R, T]``; a padding id fills short rows.
        mask: int64 ``[R, T]``, 1 at tokens, 0 at padding.
    """

    ids: Tensor
    mask: Tensor

    def at(self, rows: Tensor | slice) -> Padded:
        """Return the given rows."""
        return Padded(self.ids[rows], self.mask[rows])


def padded(rows: Sequence[Ids], pad: int, device: str, side: Literal["left", "right"] = "left") -> Padded:
    """Pad ``rows`` with the id ``pad`` on one side, and put them on ``device`` by one copy, for which nothing waits.

    >>> padded([[5, 6], [7]], 0, "cpu")
    Padded(ids=tensor([[5, 6],
            [0, 7]]), mask=tensor([[1, 1],
            [0, 1]]))
    """
    width = max(map(len, rows))
    table = np.full((len(rows), width), EMPTY)
    for cells, row in zip(table, rows, strict=True):
        start = width - len(row) if side == "left" else 0
        cells[start : start + len(row)] = row
    ids = torch.from_numpy(table)
    is_cuda = torch.device(device).type == "cuda"
    ids = ids.pin_memory().to(device, non_blocking=True) if is_cuda else ids.to(device)
    mask = ids != EMPTY
    return Padded(ids.masked_fill(~mask, pad), mask.long())
