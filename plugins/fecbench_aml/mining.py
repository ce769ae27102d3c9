"""Hard-pair mining (AML paper, section 3.3.1) and the strategies that it is compared with."""

from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize

from fecbench_aml.candidates import Candidates, at_random, expected_similarity, of_labels, of_targets

STRATEGIES = ("topk", "threshold", "uniform", "batch-topk")
Slope = Literal["batch", "linear"]
LINES: dict[Slope, tuple[float | None, float | None]] = {"batch": (None, None), "linear": (-1.0, 2.0)}
_Line = tuple[float | Tensor, float | Tensor]  # alpha and beta


class HardPairs(NamedTuple):
    """Pairs of rows of a batch.

    The number of slots P depends on shapes alone, so that no count has to be copied from the device.

    Attributes:
        i: int64 ``[P]``, first row of each pair.
        j: int64 ``[P]``, second row of each pair.
        target: float ``[P]``, the overlap of both rows' labels; of hard labels 1 for a hard positive and 0 for a hard
            negative.
        valid: bool ``[P]``, False in slots that hold no pair.
        positive: bool ``[P]``, True for a hard positive, False for a hard negative.
    """

    i: Tensor
    j: Tensor
    target: Tensor
    valid: Tensor
    positive: Tensor


@torch.no_grad()
def mine_hard_pairs(
    z: Tensor,
    targets: Tensor,
    *,
    k_pos: int,
    k_neg: int,
    strategy: str = "topk",
    threshold: float = 0.5,
    alpha: float | None = None,
    beta: float | None = None,
    left_out: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> HardPairs:
    """Mine hard pairs of a batch by cosine similarity ``o``; among equal keys the lower index comes first.

    For labels:

    - ``topk`` (the paper): per anchor, the ``k_pos`` least similar rows of its label and the ``k_neg`` most
      similar rows of other labels. ``B * (k_pos + k_neg)`` slots; counts above B are cut to B.
    - ``threshold`` (AML-threshold, section 4.3): each unordered pair once if it has one label and ``o <
      threshold``, or two labels and ``o >= threshold``. ``B (B - 1) / 2`` slots.
    - ``uniform`` (AML w/o hard, section 4.3): per anchor, ``k_pos`` rows of its label and ``k_neg`` rows of
      other labels, drawn without replacement. As many slots as ``topk``.
    - ``batch-topk`` (the released code): the hardest ``k_pos`` and ``k_neg`` unordered pairs of the whole
      batch. ``k_pos + k_neg`` slots; counts above ``B (B - 1) / 2`` are cut to it.

    For overlaps ``t``, which these generalise, to the index if every t is 0 or 1: ``topk`` and ``batch-topk`` take
    pairs by their residual ``alpha + beta t - o``, the largest as positives and the smallest as negatives
    (:func:`fecbench_aml.candidates.of_targets`); ``threshold`` takes pairs of ``t >= 1/2`` for pairs of one label;
    ``uniform`` draws positives with weights t and negatives with weights ``1 - t``.

    Args:
        z: features ``[B, d]``, of any float type; compared in float32 at least.
        targets: labels, int ``[B]``; or the overlap of each pair's labels, float ``[B, B]``, symmetric and between 0
            and 1, as ``fecbench.overlap`` returns it.
        k_pos: hard positives per anchor (``batch-topk``: per batch), 0 or more.
        k_neg: hard negatives per anchor (``batch-topk``: per batch), 0 or more.
        strategy: one of the four above.
        threshold: similarity that separates hard from easy pairs; only for ``threshold``.
        alpha: expected cosine of pairs of overlap 0; only for overlaps.
        beta: slope of the expected cosine over the overlap, positive; only for overlaps. Without ``alpha`` and
            ``beta``, both are the least-squares fit of the batch's cosines; -1 and 2 ask for cosines from -1 to 1.
        left_out: bool ``[B, B]``, symmetric, True for pairs that are neither positives nor negatives.
        generator: source of randomness, on the device of ``z``; only for ``uniform``.

    Raises:
        ValueError: a count is negative, the strategy unknown, ``targets`` is neither a vector nor ``[B, B]``, or
            one of ``alpha`` and ``beta`` is missing or ``beta`` not positive.

    >>> z, labels = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.1]]), torch.tensor([0, 0, 1])
    >>> pairs = mine_hard_pairs(z, labels, k_pos=1, k_neg=1)
    >>> [(i, j, t) for i, j, t, valid, _ in zip(*(x.tolist() for x in pairs)) if valid]
    [(0, 1, 1.0), (0, 2, 0.0), (1, 0, 1.0), (1, 2, 0.0), (2, 0, 0.0)]
    """
    _check(z, targets, k_pos, k_neg, strategy, alpha, beta)
    hard = targets.dim() == 1
    target = targets[:, None] == targets if hard else targets.to(torch.promote_types(targets.dtype, torch.float32))
    if strategy == "uniform":  # the rows with the smallest independent noise are a sample without replacement
        noise = torch.rand(len(z), len(z), generator=generator, device=z.device)
        by_chance = of_labels(target, noise) if hard else at_random(target, noise)
        return _of_each_anchor(by_chance.without(left_out), k_pos, k_neg)
    similarity = _similarity(z)
    if strategy == "threshold":
        return _beyond_threshold(target.to(similarity.dtype), similarity, threshold, left_out)
    line: _Line | None = None
    if not hard:
        target = target.to(similarity.dtype)
        line = expected_similarity(target, similarity, left_out) if alpha is None or beta is None else (alpha, beta)
    if strategy == "topk":
        return _of_each_anchor(_candidates(target, similarity, left_out, line), k_pos, k_neg)
    return _of_the_batch(target, similarity, left_out, line, k_pos, k_neg)


def _check(
    z: Tensor, targets: Tensor, k_pos: int, k_neg: int, strategy: str, alpha: float | None, beta: float | None
) -> None:
    if k_pos < 0 or k_neg < 0:
        raise ValueError(f"k_pos and k_neg must be 0 or more, found {k_pos} and {k_neg}")
    if strategy not in STRATEGIES:
        raise ValueError(f"strategy must be one of {', '.join(STRATEGIES)}, found {strategy!r}")
    if targets.shape not in ((len(z),), (len(z), len(z))):
        raise ValueError(
            f"targets must be a label of each of the {len(z)} rows or the overlap of each pair of them, "
            f"found the shape {list(targets.shape)}; fecbench.overlap makes overlaps of targets [B, C]"
        )
    if (alpha is None) != (beta is None) or (beta is not None and not beta > 0):
        raise ValueError(f"alpha and beta must be given together, and beta be positive, found {alpha} and {beta}")


def _similarity(z: Tensor) -> Tensor:
    """Return the cosines ``[B, B]`` of all rows."""
    with torch.autocast(z.device.type, enabled=False):  # in bf16 near-equal cosines would tie, and the index decide
        unit = normalize(z.detach().to(torch.promote_types(z.dtype, torch.float32)))
        return unit @ unit.T


def _candidates(target: Tensor, similarity: Tensor, left_out: Tensor | None, line: _Line | None) -> Candidates:
    """Return the candidates of labels (``target`` is bool), or of overlaps with a line of expected cosines."""
    candidates = of_labels(target, similarity) if line is None else of_targets(target, similarity, *line)
    return candidates.without(left_out)


def _of_each_anchor(candidates: Candidates, k_pos: int, k_neg: int) -> HardPairs:
    for kind in (candidates.positive, candidates.negative):
        kind.fill_diagonal_(False)  # a row makes no pair with itself
    anchors = torch.arange(len(candidates.target), device=candidates.target.device)[:, None]
    j, valid, positive = _hardest(candidates, k_pos, k_neg)
    target = candidates.target.gather(1, j)
    return HardPairs(anchors.expand_as(j).flatten(), j.flatten(), target.flatten(), valid.flatten(), positive.flatten())


def _of_the_batch(
    target: Tensor, similarity: Tensor, left_out: Tensor | None, line: _Line | None, k_pos: int, k_neg: int
) -> HardPairs:
    """Mine the whole batch: treat all unordered pairs as the candidates of a single anchor."""
    i, j = _unordered(target)
    unordered = None if left_out is None else left_out[i, j][None]
    candidates = _candidates(target[i, j][None], similarity[i, j][None], unordered, line)
    (pair,), (valid,), (positive,) = _hardest(candidates, k_pos, k_neg)
    return HardPairs(i[pair], j[pair], candidates.target[0, pair], valid, positive)


def _beyond_threshold(target: Tensor, similarity: Tensor, threshold: float, left_out: Tensor | None) -> HardPairs:
    i, j = _unordered(target)
    target = target[i, j]
    alike, close = target >= 0.5, similarity[i, j] >= threshold
    valid = alike != close if left_out is None else (alike != close) & ~left_out[i, j]
    return HardPairs(i, j, target, valid, alike)


def _unordered(square: Tensor) -> tuple[Tensor, Tensor]:
    """Return the row numbers ``i < j`` of every unordered pair."""
    i, j = torch.triu_indices(len(square), len(square), 1, device=square.device)
    return i, j


def _hardest(candidates: Candidates, k_pos: int, k_neg: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return the columns of each row's ``k_pos`` first positives and ``k_neg`` first negatives.

    The second tensor is False where a row has no such column left, the third True for positives. All are
    ``[rows, k_pos + k_neg]``.
    """
    positives = _first(candidates.positive_key, candidates.positive, k_pos)
    negatives = _first(candidates.negative_key, candidates.negative, k_neg)
    valid = torch.cat([candidates.positive.gather(1, positives), candidates.negative.gather(1, negatives)], 1)
    positive = torch.zeros_like(valid)
    positive[:, : positives.shape[1]] = True
    return torch.cat([positives, negatives], 1), valid, positive


def _first(key: Tensor, candidates: Tensor, k: int) -> Tensor:
    """Return the columns of each row's ``k`` candidates of smallest ``key``, then any others."""
    k = min(k, key.shape[1])
    # A stable sort, not torch.topk, which guarantees no order among equal values.
    return key.masked_fill(~candidates, torch.inf).sort(dim=1, stable=True).indices[:, :k]
