"""Texts without padding: their tokens one after another, and attention that keeps them apart.

In a random batch of 64 GoEmotions texts half of all positions are padding. Here every linear layer sees real tokens only; inside attention
they are scattered to a padded grid, attend there under a mask (with attention dropout, as usual), and are gathered back. Outputs and
gradients are those of the padded computation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn

IMPLEMENTATION = "fecbench_packed"


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
        segments: int64 ``[T]``, the segment of each token in pairs of texts (BERT's token types); None where all are in the first.
    """

    ids: Tensor
    positions: Tensor
    owners: Tensor
    lengths: Tensor
    longest: int
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
        """Pack texts that already stand one after another in ``ids``."""
        owners = np.repeat(np.arange(len(lengths)), lengths)
        positions = np.arange(len(ids)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        stacked = torch.from_numpy(np.stack([ids, positions, owners]).astype(np.int64))
        marked = None if segments is None else torch.from_numpy(segments.astype(np.int64))
        return cls(stacked[0], stacked[1], stacked[2], torch.from_numpy(lengths.astype(np.int64)), int(lengths.max()), marked)

    def __len__(self) -> int:
        return len(self.lengths)

    def to(self, device: torch.device) -> Tokens:
        """The same tokens on ``device``."""
        if device.type == "cpu":
            return self
        stacked = torch.stack([self.ids, self.positions, self.owners])
        ids, positions, owners = (stacked.pin_memory() if device.type == "cuda" else stacked).to(device, non_blocking=True)
        segments = None if self.segments is None else self.segments.to(device, non_blocking=True)
        return Tokens(ids, positions, owners, self.lengths.to(device, non_blocking=True), self.longest, segments)

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
            self._segments_with(others),
        )

    def _segments_with(self, others: Tokens) -> Tensor | None:
        if self.segments is None and others.segments is None:
            return None
        return torch.cat([torch.zeros_like(one.ids) if one.segments is None else one.segments for one in (self, others)])

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


def packed_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    grid: Grid | None = None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """An attention function for transformers: packed where a ``grid`` comes with the call, its usual sdpa otherwise.

    ``query``, ``key`` and ``value`` are ``[1, heads, T, width]``; the result is ``[1, T, heads, width]``.
    """
    if grid is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **kwargs)
    texts, longest = grid.mask.shape

    def padded(packed: Tensor) -> Tensor:
        rows = packed[0].transpose(0, 1)  # [T, heads, width]
        empty = rows.new_zeros(texts * longest, *rows.shape[1:])
        return empty.index_copy(0, grid.slots, rows).view(texts, longest, *rows.shape[1:]).transpose(1, 2)

    mask = grid.mask[:, None, None, :]
    states = scaled_dot_product_attention(padded(query), padded(key), padded(value), attn_mask=mask, dropout_p=dropout, scale=scaling)
    return states.transpose(1, 2).flatten(0, 1)[grid.slots][None], None


AttentionInterface.register(IMPLEMENTATION, packed_attention)
AttentionMaskInterface.register(IMPLEMENTATION, sdpa_mask)
