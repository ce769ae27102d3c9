"""Texts without padding: their tokens one after another, so that every linear layer sees real tokens only.

In a random batch of 64 GoEmotions texts half of all positions are padding. What keeps packed texts apart is their attention
(:mod:`fecbench.model.packed_attention`), which loads transformers; this file, which every objective imports, doesn't.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


# What another grid costs, in places of scores (a text of l tokens has l^2): a CPU core does that many in about half a millisecond a layer,
# and elsewhere the 25 further launches must be paid for.
GRID_COST = {"cpu": 4_000}
GRID_COST_ELSEWHERE = 1_000_000


class PaddingGrid(NamedTuple):
    """How the tokens from ``start`` to ``end`` lie in a padded grid of ``B`` texts.

    ``slots`` int64 ``[end - start]``, each token's flat place; ``mask`` bool ``[B, L]``, real places.
    """

    start: int
    end: int
    slots: Tensor
    mask: Tensor


class Layout(NamedTuple):
    """Tokens by the length of their text, shortest first: ``order`` int64 ``[T]``, and the grids that they make, one after another."""

    order: Tensor
    grids: tuple[PaddingGrid, ...]


@dataclass(frozen=True)
class Tokens:
    """The token ids of ``B`` texts, one text after another, ``T`` in all.

    Attributes:
        ids: int64 ``[T]``.
        positions: int64 ``[T]``, a token's place in its text, from 0.
        owners: int64 ``[T]``, the number of the text that a token belongs to.
        lengths: int64 ``[B]``.
        sizes: the lengths once more, on the host.
        segments: int64 ``[T]``, the segment of each token in pairs of texts (BERT's token types); None where all are in the first.
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
        """Pack texts that already stand one after another in ``ids``."""
        owners = np.repeat(np.arange(len(lengths)), lengths)
        positions = np.arange(len(ids)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        stacked = torch.from_numpy(np.stack([ids, positions, owners]).astype(np.int64))
        marked = None if segments is None else torch.from_numpy(segments.astype(np.int64))
        return cls(stacked[0], stacked[1], stacked[2], torch.from_numpy(lengths.astype(np.int64)), lengths, marked)

    def __len__(self) -> int:
        return len(self.lengths)

    def to(self, device: torch.device) -> Tokens:
        """The same tokens on ``device``; a tensor that is there already stays the same."""

        def moved(tensor: Tensor) -> Tensor:
            return tensor.to(device, non_blocking=device.type != "cpu")  # the host would read before a copy has arrived

        ids, positions, owners = self.ids, self.positions, self.owners
        if ids.device.type == "cpu" and device.type != "cpu":
            stacked = torch.stack([ids, positions, owners])  # one copy for three
            ids, positions, owners = moved(stacked.pin_memory() if device.type == "cuda" else stacked)
        segments = None if self.segments is None else moved(self.segments)
        return Tokens(moved(ids), moved(positions), moved(owners), moved(self.lengths), self.sizes, segments)

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
            np.concatenate([self.sizes, others.sizes]),
            self._segments_with(others),
        )

    def _segments_with(self, others: Tokens) -> Tensor | None:
        if self.segments is None and others.segments is None:
            return None
        return torch.cat(
            [torch.zeros_like(one.ids) if one.segments is None else one.segments for one in (self, others)]
        )

    def grid(self) -> PaddingGrid:
        """One padded grid of all texts in their order, computed on the tokens' own device."""
        return PaddingGrid(0, len(self.ids), *_padded(self.owners, self.positions, self.lengths, int(self.sizes.max())))

    def layout(self, grid_cost: float) -> Layout:
        """Grids of texts of similar length, where another one saves more than ``grid_cost`` places; no device is asked for a length."""
        by_length, rank = self.lengths.sort(stable=True).values, self.lengths.argsort(stable=True).argsort()
        order = self.lengths[self.owners].argsort(stable=True)
        owners, positions = rank[self.owners][order], self.positions[order]
        sizes = np.sort(self.sizes)
        ends = np.cumsum(sizes)
        grids, first, start = [], 0, 0
        for last in cuts(sizes, grid_cost):
            end = int(ends[last - 1])
            part = slice(start, end)
            padded = _padded(owners[part] - first, positions[part], by_length[first:last], int(sizes[last - 1]))
            grids.append(PaddingGrid(start, end, *padded))
            first, start = last, end
        return Layout(order, tuple(grids))

    def first(self, states: Tensor) -> Tensor:
        """Each text's first-token state ``[B, width]`` of packed ``states`` ``[T, width]``."""
        return states[self.lengths.cumsum(0) - self.lengths]

    def mean(self, states: Tensor) -> Tensor:
        """Each text's mean state ``[B, width]`` of packed ``states`` ``[T, width]``."""
        sums = states.new_zeros(len(self), states.shape[-1]).index_add(0, self.owners, states)
        return sums / self.lengths[:, None].to(states.dtype)


def _padded(owners: Tensor, positions: Tensor, lengths: Tensor, longest: int) -> tuple[Tensor, Tensor]:
    """The slots of tokens and the mask of a grid ``longest`` wide."""
    columns = torch.arange(longest, device=lengths.device)
    return owners * longest + positions, columns < lengths[:, None]


def cuts(sizes: np.ndarray, grid_cost: float) -> list[int]:
    """Where groups of texts end, given their lengths in ascending order: each cut saves more than ``grid_cost`` places of scores.

    A group of n texts, the longest of them l tokens, has ``n l^2`` places. The best single cut is made first, then those of its parts.

    >>> cuts(np.array([5, 5, 6, 40]), grid_cost=100), cuts(np.array([5, 5, 6, 40]), grid_cost=1e6)
    ([3, 4], [4])
    """
    texts = len(sizes)
    places = np.arange(1, texts + 1) * sizes**2  # of the first n texts
    with_cut = places[:-1] + np.arange(texts - 1, 0, -1) * sizes[-1] ** 2
    if texts == 1 or places[-1] - with_cut.min() <= grid_cost:
        return [texts]
    cut = int(with_cut.argmin()) + 1
    return cuts(sizes[:cut], grid_cost) + [cut + end for end in cuts(sizes[cut:], grid_cost)]
