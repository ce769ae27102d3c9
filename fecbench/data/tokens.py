"""Packed texts: the tokens of a batch in one sequence without padding, so that linear layers see real tokens only.

In a random batch of 64 GoEmotions texts half of all positions are padding. Attention between packed texts is
prevented by :mod:`fecbench.model.packed_attention`. That module imports transformers; this one, which every
objective imports, does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from fecbench.data.gather import take
from fecbench.data.transfer import to_device

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


@dataclass(frozen=True)
class Tokens:
    """The concatenated token ids of ``B`` texts, ``T`` tokens in all.

    Attributes:
        ids: int64 ``[T]``.
        positions: int64 ``[T]``, each token's index in its text, from 0.
        owners: int64 ``[T]``, the index of each token's text.
        lengths: int64 ``[B]``, tokens of each text.
        sizes: a copy of the lengths on the host, so that shapes are known without waiting for the device.
        segments: int64 ``[T]``, each token's segment in pairs of texts (BERT's token types); None if all are 0.
    """

    ids: Tensor
    positions: Tensor
    owners: Tensor
    lengths: Tensor
    sizes: np.ndarray
    segments: Tensor | None = None

    @classmethod
    def pack(cls, texts: Sequence[Sequence[int]]) -> Tokens:
        """Pack texts given as lists of ids.

        >>> Tokens.pack([[5, 6, 7], [8]]).positions
        tensor([0, 1, 2, 0])
        """
        ids = np.concatenate([np.asarray(text, dtype=np.int64) for text in texts])
        return cls.from_flat(ids, np.array([len(text) for text in texts]))

    @classmethod
    def from_flat(cls, ids: np.ndarray, lengths: np.ndarray, segments: np.ndarray | None = None) -> Tokens:
        """Pack texts whose ids are concatenated already."""
        owners = np.repeat(np.arange(len(lengths)), lengths)
        positions = np.arange(len(ids)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        stacked = torch.from_numpy(np.stack([ids, positions, owners]).astype(np.int64))
        token_types = None if segments is None else torch.from_numpy(segments.astype(np.int64))
        return cls(stacked[0], stacked[1], stacked[2], torch.from_numpy(lengths.astype(np.int64)), lengths, token_types)

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def tensors(self) -> list[Tensor]:
        """The tensors: ids, positions, owners, lengths, and segments if there are any."""
        tensors = [self.ids, self.positions, self.owners, self.lengths]
        return tensors if self.segments is None else [*tensors, self.segments]

    def with_tensors(self, tensors: Sequence[Tensor]) -> Tokens:
        """Return the same tokens with other ``tensors`` of the same content, or these tokens if they are the same."""
        if all(new is old for new, old in zip(tensors, self.tensors, strict=True)):
            return self
        return Tokens(*tensors[:4], self.sizes, *tensors[4:])

    def to(self, device: torch.device) -> Tokens:
        """Return the same tokens on ``device``; these tokens if they are there already."""
        return self.with_tensors(to_device(self.tensors, device))

    def followed_by(self, others: Tokens) -> Tokens:
        """Return these texts followed by ``others``; both must be on one device.

        >>> Tokens.pack([[5, 6]]).followed_by(Tokens.pack([[7]])).owners
        tensor([0, 0, 1])
        """
        return Tokens(
            torch.cat([self.ids, others.ids]),
            torch.cat([self.positions, others.positions]),
            torch.cat([self.owners, others.owners + len(self)]),
            torch.cat([self.lengths, others.lengths]),
            np.concatenate([self.sizes, others.sizes]),
            self._segments_with(others),
        )

    def _segments_with(self, others: Tokens) -> Tensor | None:
        if self.segments is None and others.segments is None:
            return None
        return torch.cat(
            [torch.zeros_like(one.ids) if one.segments is None else one.segments for one in (self, others)]
        )

    @property
    def starts(self) -> Tensor:
        """The index of each text's first token, int64 ``[B]``."""
        return self.lengths.cumsum(0) - self.lengths

    def first(self, states: Tensor) -> Tensor:
        """Return the first token's state of each text, ``[B, width]``, from packed ``states`` ``[T, width]``."""
        return take(states, self.starts)

    def mean(self, states: Tensor) -> Tensor:
        """Return the mean state of each text, ``[B, width]``, from packed ``states`` ``[T, width]``."""
        sums = states.new_zeros(len(self), states.shape[-1]).index_add_(0, self.owners, states)
        return sums / self.lengths[:, None].to(states.dtype)
