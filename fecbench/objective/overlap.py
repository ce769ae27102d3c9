"""Overlap of the labels of two texts: the target of a pair, between 0 and 1.

On one-hot rows every kind but ``cooccurrence`` is 1 for one label and 0 for two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

Overlap = Literal["jaccard", "dice", "cosine", "bhattacharyya", "agreement", "cooccurrence", "any", "exact"]


@torch.no_grad()
def overlap(
    q: Tensor, kind: Overlap = "jaccard", kernel: Tensor | None = None, background: Tensor | None = None
) -> Tensor:
    """Return the overlap of the labels of all pairs of rows, ``[N, C] -> [N, N]``, symmetric and between 0 and 1.

    - ``jaccard``: sum of minima over sum of maxima (Ruzicka); on sets, intersection over union.
    - ``dice``: twice the sum of minima over the sum of both rows.
    - ``cosine``: cosine of the rows; on sets, Ochiai's coefficient.
    - ``bhattacharyya``: Bhattacharyya's coefficient of the rows divided by their sums.
    - ``agreement``: probability that two raters, one drawn for each text, give the same label. A row agrees with
      itself by less than 1 unless it has a single label.
    - ``cooccurrence``: cosine under ``kernel``, so that labels that occur together overlap too.
    - ``any``: 1 if the rows share a label; ``exact``: 1 if the rows are equal. Both are baselines.

    The overlap of two rows without labels is 1, that of a row without labels and another row 0. The largest tensor has
    ``N * N * C`` elements: 39 MB in float32 for 256 rows of 150 labels.

    Args:
        q: targets ``[N, C]`` between 0 and 1, of any type; computed in float32 at least.
        kind: one of the above.
        kernel: ``[C, C]``, similarity of labels, from :func:`cooccurrence_kernel`; for ``cooccurrence`` alone.
        background: bool ``[C]``, True for labels that say nothing about a text, such as neutral. The overlap of the
            pairs that :func:`background_pairs` finds is then 0.

    Raises:
        ValueError: the kind is unknown, ``cooccurrence`` has no kernel, or another kind has one.

    >>> overlap(torch.tensor([[1, 1, 0], [0, 1, 1], [0, 1, 0]]))
    tensor([[1.0000, 0.3333, 0.5000],
            [0.3333, 1.0000, 0.5000],
            [0.5000, 0.5000, 1.0000]])
    """
    if kind not in _KINDS and kind != "cooccurrence":
        raise ValueError(f"kind must be one of {', '.join(get_args(Overlap))}, found {kind!r}")
    if (kind == "cooccurrence") != (kernel is not None):
        raise ValueError(
            f"kind 'cooccurrence' must have a kernel and other kinds none, found kind {kind!r} "
            f"{'without' if kernel is None else 'with'} one; cooccurrence_kernel makes one of training targets"
        )
    q = q.to(torch.promote_types(q.dtype, torch.float32))
    values = _under_kernel(q, kernel) if kernel is not None else _KINDS[kind](q)
    empty = q.sum(1) == 0
    values = torch.where(empty[:, None] | empty, (empty[:, None] & empty).to(q.dtype), values.clamp(max=1))
    return values if background is None else values.masked_fill(background_pairs(q, background), 0.0)


@torch.no_grad()
def background_pairs(q: Tensor, background: Tensor) -> Tensor:
    """Return the pairs that share no label but background, and the pairs of two rows without labels, bool ``[N, N]``.

    Args:
        q: targets ``[N, C]`` between 0 and 1.
        background: bool ``[C]``, True for labels such as neutral.

    >>> background_pairs(torch.tensor([[1, 1], [1, 0], [0, 1]]), torch.tensor([False, True]))
    tensor([[False, False,  True],
            [False, False, False],
            [ True, False,  True]])
    """
    support = q > 0
    empty = ~support.any(1)
    shared = _share_a_label(support)
    return (shared & ~_share_a_label(support & ~background)) | (empty[:, None] & empty)


@torch.no_grad()
def cooccurrence_kernel(targets: Tensor, rho: float) -> Tensor:
    """Return the kernel ``(1 - rho) I + rho G`` of labels, ``[N, C] -> [C, C]``, with ones on its diagonal.

    ``G`` holds the cosines of the columns of ``targets``: for sets, the number of rows with both labels over the
    geometric mean of the rows of each. It is positive semidefinite, and so is the kernel. With the rows of several
    labels alone, ``G`` is larger.

    Args:
        targets: ``[N, C]`` between 0 and 1, of training rows only: a kernel from validation or test rows would reveal
            their labels.
        rho: share of the co-occurrence, from 0 (the identity) to 1.

    Raises:
        ValueError: ``rho`` isn't between 0 and 1.

    >>> cooccurrence_kernel(torch.tensor([[1, 1], [1, 0]]), rho=0.5)
    tensor([[1.0000, 0.3536],
            [0.3536, 1.0000]])
    """
    if not 0 <= rho <= 1:
        raise ValueError(f"rho must be between 0 and 1, found {rho}")
    columns = targets.double()  # counts of millions of rows stay exact
    identity = torch.eye(columns.shape[1], dtype=torch.float64, device=targets.device)
    cosines = torch.where(identity > 0, 1.0, _normalized(columns.T @ columns).nan_to_num(0.0))  # NaN: label without row
    return ((1 - rho) * identity + rho * cosines).to(torch.promote_types(targets.dtype, torch.float32))


def _jaccard(q: Tensor) -> Tensor:
    return _sums(torch.minimum, q) / _sums(torch.maximum, q)


def _dice(q: Tensor) -> Tensor:
    smaller, larger = _sums(torch.minimum, q), _sums(torch.maximum, q)
    return 2 * smaller / (smaller + larger)


def _cosine(q: Tensor) -> Tensor:
    return _normalized(_sums(torch.mul, q))


def _bhattacharyya(q: Tensor) -> Tensor:
    return _normalized(_sums(torch.mul, q.sqrt()))


def _agreement(q: Tensor) -> Tensor:
    sums = q.sum(1)
    return _sums(torch.mul, q) / (sums[:, None] * sums)


def _any(q: Tensor) -> Tensor:
    return _share_a_label(q > 0).to(q.dtype)


def _exact(q: Tensor) -> Tensor:
    return (q[:, None] == q).all(-1).to(q.dtype)


_KINDS: dict[str, Callable[[Tensor], Tensor]] = {
    "jaccard": _jaccard,
    "dice": _dice,
    "cosine": _cosine,
    "bhattacharyya": _bhattacharyya,
    "agreement": _agreement,
    "any": _any,
    "exact": _exact,
}


def _under_kernel(q: Tensor, kernel: Tensor) -> Tensor:
    with torch.autocast(q.device.type, enabled=False):
        weighted = q @ kernel.to(q.dtype)
    products = (weighted[:, None] * q).sum(-1)
    return _normalized((products + products.T) / 2)  # the two orders of a pair differ by rounding


def _sums(combine: Callable[[Tensor, Tensor], Tensor], q: Tensor) -> Tensor:
    """Return the sum over labels of ``combine`` for all pairs of rows.

    Elementwise, since a matrix product may round equal rows differently: targets of exactly 0 and 1 have a meaning.
    """
    return combine(q[:, None], q).sum(-1)


def _normalized(products: Tensor) -> Tensor:
    """Return the cosines of vectors from their inner products ``[N, N]``; NaN for a vector of length 0."""
    squares = products.diagonal()
    return products / (squares[:, None] * squares).sqrt()


def _share_a_label(support: Tensor) -> Tensor:
    """Return True for pairs of rows with a common label, bool ``[N, C] -> [N, N]``."""
    counts = support.float() @ support.T.float()  # a few times as fast as a logical or of N * N * C bools
    return counts > 0
