"""Texts without padding: their tokens one after another, so that every linear layer sees real tokens only.

In a random batch of 64 GoEmotions texts half of all positions are padding. What keeps packed texts apart is their attention
(:mod:`fecbench.attention`), which loads transformers; this file, which every objective imports, doesn't.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


class Grid(NamedTuple):
    """How packed tokens lie in a padded grid: ``slots`` int64 ``[T]``, each token's flat place; ``mask`` bool ``[B, L]``, real places."""

    slots: Tensor
    mask: Tensor


@dataclass(frozen=True)
class Tokens:
    """The token ids of ``B`` texts, one text after another, ``T`` in all.

    Attributes:
        ids: int64 ``[T]``.
        positions: int64 ``[T]``, a token's place in its text, from 0.
        owners: int64 ``[T]``, the number of the text that a token belongs to.
        lengths: int64 ``[B]``.
        longest: the greatest length, known on the host.
    """

    ids: Tensor
    positions: Tensor
    owners: Tensor
    lengths: Tensor
    longest: int

    @classmethod
    def pack(cls, texts: Sequence[Sequence[int]]) -> Tokens:
        """Pack texts given as lists of ids.

        >>> Tokens.pack([[5, 6, 7], [8]]).positions
        tensor([0, 1, 2, 0])
        """
        ids = np.concatenate([np.asarray(text, dtype=np.int64) for text in texts])
        return cls.from_flat(ids, np.array([len(text) for text in texts]))

    @classmethod
    def from_flat(cls, ids: np.ndarray, lengths: np.ndarray) -> Tokens:
        """Pack texts that already stand one after another in ``ids``."""
        owners = np.repeat(np.arange(len(lengths)), lengths)
        positions = np.arange(len(ids)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        stacked = torch.from_numpy(np.stack([ids, positions, owners]).astype(np.int64))
        return cls(stacked[0], stacked[1], stacked[2], torch.from_numpy(lengths.astype(np.int64)), int(lengths.max()))

    def __len__(self) -> int:
        return len(self.lengths)

    def to(self, device: torch.device) -> Tokens:
        """The same tokens on ``device``."""
        if device.type == "cpu":
            return self
        stacked = torch.stack([self.ids, self.positions, self.owners])
        ids, positions, owners = (stacked.pin_memory() if device.type == "cuda" else stacked).to(device, non_blocking=True)
        return Tokens(ids, positions, owners, self.lengths.to(device, non_blocking=True), self.longest)

    def followed_by(self, others: Tokens) -> Tokens:
        """These texts, then ``others``, on one device.

        >>> Tokens.pack([[5, 6]]).followed_by(Tokens.pack([[7]])).owners
        tensor([0, 0, 1])
        """
        return Tokens(
            torch.cat([self.ids, others.ids]),
            torch.cat([self.positions, others.positions]),
            torch.cat([self.owners, others.owners + len(self)]),
            torch.cat([self.lengths, others.lengths]),
            max(self.longest, others.longest),
        )

    def grid(self) -> Grid:
        """The padded layout, computed on the tokens' own device."""
        columns = torch.arange(self.longest, device=self.ids.device)
        return Grid(self.owners * self.longest + self.positions, columns < self.lengths[:, None])

    def first(self, states: Tensor) -> Tensor:
        """Each text's first-token state ``[B, width]`` of packed ``states`` ``[T, width]``."""
        return states[self.lengths.cumsum(0) - self.lengths]

    def mean(self, states: Tensor) -> Tensor:
        """Each text's mean state ``[B, width]`` of packed ``states`` ``[T, width]``."""
        sums = states.new_zeros(len(self), states.shape[-1]).index_add(0, self.owners, states)
        return sums / self.lengths[:, None].to(states.dtype)
