"""Packed texts: the tokens of a batch in one sequence without padding, so that linear layers see real tokens only.

In a random batch of 64 GoEmotions texts half of all positions are padding. Attention between packed texts is
prevented by :mod:`fecbench.model.packed_attention`. That module imports transformers; this one, which every
objective imports, does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


# What another grid costs, in attention scores (a text of l tokens has l^2). A CPU core computes this many in about half
# a millisecond a layer. On other devices a grid costs about 25 kernel launches.
GRID_COST = {"cpu": 4_000}
GRID_COST_ELSEWHERE = 1_000_000


class PaddingGrid(NamedTuple):
    """The positions of the tokens from ``start`` to ``end`` in a padded grid of ``B`` texts and ``L`` columns.

    ``slots`` int64 ``[end - start]``: each token's index in the flattened grid; ``mask`` bool ``[B, L]``:
    True at tokens.
    """

    start: int
    end: int
    slots: Tensor
    mask: Tensor


class Layout(NamedTuple):
    """Tokens sorted by the length of their text, shortest first (``order`` int64 ``[T]``), and their padded grids."""

    order: Tensor
    grids: tuple[PaddingGrid, ...]


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

    def to(self, device: torch.device) -> Tokens:
        """Return the same tokens on ``device``; tensors that are there already are not copied."""

        def moved(tensor: Tensor) -> Tensor:
            # a copy to the host could be read before it has arrived
            return tensor.to(device, non_blocking=device.type != "cpu")

        ids, positions, owners = self.ids, self.positions, self.owners
        # From the host only: what is on a device already can't be pinned.
        if ids.device.type == "cpu" and device.type != "cpu":
            stacked = torch.stack([ids, positions, owners])  # one copy for three
            ids, positions, owners = moved(stacked.pin_memory() if device.type == "cuda" else stacked)
        segments = None if self.segments is None else moved(self.segments)
        return Tokens(moved(ids), moved(positions), moved(owners), moved(self.lengths), self.sizes, segments)

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

    def grid(self) -> PaddingGrid:
        """Return one padded grid of all texts in their order, computed on the tokens' device."""
        return PaddingGrid(0, len(self.ids), *_padded(self.owners, self.positions, self.lengths, int(self.sizes.max())))

    def layout(self, grid_cost: float) -> Layout:
        """Return padded grids of texts of similar length; each further grid saves more than ``grid_cost`` scores."""
        # Stable sorts: texts and tokens must put texts of equal length in the same order, or tokens would get slots of
        # another text.
        by_length, rank = self.lengths.sort(stable=True).values, self.lengths.argsort(stable=True).argsort()
        order = self.lengths[self.owners].argsort(stable=True)
        owners, positions = rank[self.owners][order], self.positions[order]
        sizes = np.sort(self.sizes)  # the host's copy: reading lengths from the device would wait for it
        ends = np.cumsum(sizes)
        grids, first, start = [], 0, 0
        for last in group_ends(sizes, grid_cost):
            end = int(ends[last - 1])
            part = slice(start, end)
            padded = _padded(owners[part] - first, positions[part], by_length[first:last], int(sizes[last - 1]))
            grids.append(PaddingGrid(start, end, *padded))
            first, start = last, end
        return Layout(order, tuple(grids))

    def first(self, states: Tensor) -> Tensor:
        """Return the first token's state of each text, ``[B, width]``, from packed ``states`` ``[T, width]``."""
        return states[self.lengths.cumsum(0) - self.lengths]

    def mean(self, states: Tensor) -> Tensor:
        """Return the mean state of each text, ``[B, width]``, from packed ``states`` ``[T, width]``."""
        sums = states.new_zeros(len(self), states.shape[-1]).index_add(0, self.owners, states)
        return sums / self.lengths[:, None].to(states.dtype)


def _padded(owners: Tensor, positions: Tensor, lengths: Tensor, longest: int) -> tuple[Tensor, Tensor]:
    """Return the slots of the tokens and the mask of a grid with ``longest`` columns."""
    columns = torch.arange(longest, device=lengths.device)
    return owners * longest + positions, columns < lengths[:, None]


def group_ends(sizes: np.ndarray, grid_cost: float) -> list[int]:
    """Divide texts, given their lengths in ascending order, into groups for padding; return the groups' end indices.

    The best cut of all texts is made first, then the best cut of each part, as long as a cut saves more than
    ``grid_cost`` attention scores.

    >>> group_ends(np.array([5, 5, 6, 40]), grid_cost=100), group_ends(np.array([5, 5, 6, 40]), grid_cost=1e6)
    ([3, 4], [4])
    """
    ends: list[int] = []
    parts = [(0, len(sizes))]  # still to be divided; the first texts are last
    while parts:
        start, end = parts.pop()
        cut = _best_cut(sizes[start:end], grid_cost)
        if cut:
            parts += [(start + cut, end), (start, start + cut)]
        else:
            ends.append(end)
    return ends


def _best_cut(sizes: np.ndarray, grid_cost: float) -> int:
    """Return the number of texts before the cut that saves most scores, or 0 if no cut saves more than ``grid_cost``.

    A group of n texts, the longest of which has l tokens, has ``n l^2`` scores.
    """
    texts = len(sizes)
    if texts == 1:
        return 0
    scores = np.arange(1, texts + 1) * sizes**2  # of a group of the first 1, 2, ... texts
    with_cut = scores[:-1] + np.arange(texts - 1, 0, -1) * sizes[-1] ** 2
    saved = scores[-1] - with_cut.min()
    return int(with_cut.argmin()) + 1 if saved > grid_cost else 0
