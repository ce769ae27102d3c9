"""Padded grids in which packed tokens attend, for texts of similar length."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from fecbench.data.transfer import to_device

if TYPE_CHECKING:
    from torch import Tensor

    from fecbench.data.tokens import Tokens


# What another grid costs, in attention scores (a text of l tokens has l^2). A CPU core computes this many in about half
# a millisecond a layer. On other devices a grid costs about 25 kernel launches.
GRID_COST = {"cpu": 4_000}
GRID_COST_ELSEWHERE = 1_000_000

# The width of a grid is a multiple of this. A GPU's attention would otherwise pad its mask to a multiple of 16 in every
# layer, and kernels that are planned for each shape would meet more shapes.
MULTIPLE = {"cpu": 1}
MULTIPLE_ELSEWHERE = 16


class PaddingGrid(NamedTuple):
    """The places of ``T`` tokens in a padded grid of ``B`` texts and ``L`` columns.

    ``places`` int64 ``[T]``: each token's index in the flattened grid; ``mask`` bool ``[B, L]``: True at tokens.
    """

    places: Tensor
    mask: Tensor


class Layout(NamedTuple):
    """Padded grids of ``T`` packed tokens, flattened one after another to ``S`` places.

    ``sources`` int64 ``[S]``: the token at each place; padding repeats a token of its text. ``places`` int64 ``[T]``:
    the place of each token. ``biases``, one for each grid, ``[B, 1, 1, L]``: 0 at tokens and -inf at padding, to be
    added to the scores of attention.
    """

    sources: Tensor
    places: Tensor
    biases: tuple[Tensor, ...]


def padding_grid(tokens: Tokens) -> PaddingGrid:
    """Return one padded grid of all texts in their order, as wide as the longest text."""
    width = int(tokens.sizes.max())
    columns = torch.arange(width, device=tokens.ids.device)
    return PaddingGrid(_places(tokens, width), columns < tokens.lengths[:, None])


def attention_layout(tokens: Tokens, dtype: torch.dtype, grid_cost: float | None = None) -> Layout:
    """Return padded grids of texts of similar length, computed on the tokens' device.

    Each further grid saves more than ``grid_cost`` scores. The lengths are read from the host's copy, since reading
    them from the device would wait for it.

    Args:
        tokens: the packed texts.
        dtype: type of the biases: that of the queries.
        grid_cost: cost of a grid, in scores of attention; None for that of the device.
    """
    device = tokens.ids.device.type
    cost = GRID_COST.get(device, GRID_COST_ELSEWHERE) if grid_cost is None else grid_cost
    multiple = MULTIPLE.get(device, MULTIPLE_ELSEWHERE)
    sizes = -(-tokens.sizes // multiple) * multiple
    order = np.argsort(sizes, kind="stable")
    ends = group_ends(sizes[order], cost)
    widths = [int(sizes[order[end - 1]]) for end in ends]
    if len(ends) > 1:
        return _several_grids(tokens, np.split(order, ends[:-1]), widths, dtype)
    sources, bias = _grid(tokens.starts, tokens.lengths, widths[0], dtype)
    return Layout(sources, _places(tokens, widths[0]), (bias,))


def _several_grids(tokens: Tokens, groups: list[np.ndarray], widths: list[int], dtype: torch.dtype) -> Layout:
    """Return the layout of a grid for each group of texts; ``groups`` are their indices."""
    sizes = [len(group) * width for group, width in zip(groups, widths, strict=True)]
    first = np.empty(len(tokens), np.int64)  # of each text, the place of its first token
    for group, width, end in zip(groups, widths, np.cumsum(sizes), strict=True):
        first[group] = end - len(group) * width + width * np.arange(len(group))
    first_places, *texts = to_device([torch.from_numpy(part) for part in (first, *groups)], tokens.ids.device)
    starts = tokens.starts
    grids = [_grid(starts[part], tokens.lengths[part], width, dtype) for part, width in zip(texts, widths, strict=True)]
    sources, biases = zip(*grids, strict=True)
    return Layout(torch.cat(sources), first_places[tokens.owners] + tokens.positions, biases)


def _grid(starts: Tensor, lengths: Tensor, width: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Return sources ``[B L]`` and bias ``[B, 1, 1, L]`` of a grid of texts that start at the tokens ``starts``."""
    columns = torch.arange(width, device=starts.device)
    sources = starts[:, None] + torch.minimum(columns, lengths[:, None] - 1)
    padding = columns >= lengths[:, None]
    bias = torch.zeros(padding.shape, dtype=dtype, device=padding.device).masked_fill_(padding, -torch.inf)
    return sources.flatten(), bias[:, None, None, :]


def _places(tokens: Tokens, width: int) -> Tensor:
    """Return each token's place in one grid of all texts."""
    return torch.add(tokens.positions, tokens.owners, alpha=width)


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
