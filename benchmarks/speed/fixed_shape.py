"""Batches of one fixed shape: padding texts fill every batch up to the same number of tokens.

A CUDA graph replays the same kernels on the same memory, so that no tensor may change its shape from batch to batch.
Padding texts attend, each to itself, but no pooled states of theirs are returned: an objective sees the real texts
alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from reads import Reads
from torch import Tensor

from fecbench import Batch, Tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

STEP, COLUMNS = 128, 16  # numbers of tokens and of columns are multiples of these


@dataclass(frozen=True, kw_only=True)
class PaddedTokens(Tokens):
    """Packed texts and padding texts, all of which attend; ``len()`` and pooled states are those of the real texts.

    The fields of :class:`Tokens` are those of all R texts. On the host every text is as long as the longest of the
    fixed shape (``sizes``), so that there is one grid of attention, of one width.

    Attributes:
        kept: int64 ``[B]``, the indices of the real texts.
    """

    kept: Tensor

    @classmethod
    def of(cls, tokens: Tokens, kept: Tensor) -> PaddedTokens:
        """Return ``tokens`` with the real texts ``kept``."""
        return cls(**{field.name: getattr(tokens, field.name) for field in fields(Tokens)}, kept=kept)

    @property
    def all_texts(self) -> Tokens:
        """The same tokens, with padding texts among the texts."""
        return Tokens(**{field.name: getattr(self, field.name) for field in fields(Tokens)})

    def __len__(self) -> int:
        return len(self.kept)

    @property
    def tensors(self) -> list[Tensor]:
        return [self.kept, *super().tensors]

    def with_tensors(self, tensors: Sequence[Tensor]) -> PaddedTokens:
        kept, *others = tensors
        return PaddedTokens.of(self.all_texts.with_tensors(others), kept)

    def followed_by(self, others: Tokens) -> PaddedTokens:
        if isinstance(others, PaddedTokens):
            further, texts = others.kept, others.all_texts
        else:
            further, texts = torch.arange(len(others), device=self.kept.device), others
        together = self.all_texts.followed_by(texts)
        alike = np.full_like(together.sizes, together.sizes.max())
        return PaddedTokens.of(replace(together, sizes=alike), torch.cat([self.kept, further + len(self.lengths)]))

    def first(self, states: Tensor) -> Tensor:
        return self.all_texts.first(states).index_select(0, self.kept)

    def mean(self, states: Tensor) -> Tensor:
        return self.all_texts.mean(states).index_select(0, self.kept)


def multiple(number: int, of: int) -> int:
    """Return ``number`` rounded up to a multiple of ``of``."""
    return -(-number // of) * of


@dataclass(frozen=True)
class TokensShape:
    """The fixed shape of packed texts.

    Attributes:
        tokens: T, the number of tokens, those of padding included.
        longest: tokens of the longest real text; no padding text is longer.
        padding: number of padding texts, each of at least one token.
    """

    tokens: int
    longest: int
    padding: int

    @classmethod
    def of(cls, batches: Sequence[Tokens]) -> TokensShape:
        """Return the smallest shape that holds every one of ``batches``."""
        counts, longest = [len(batch.ids) for batch in batches], max(int(batch.sizes.max()) for batch in batches)
        tokens = multiple(max(counts) + 1, STEP)
        while tokens - max(counts) < (padding := math.ceil((tokens - min(counts)) / longest)):
            tokens += STEP
        return cls(tokens, longest, padding)

    @property
    def columns(self) -> int:
        """L, the number of columns of the grid."""
        return multiple(self.longest, COLUMNS)

    def fill(self, tokens: Tokens, pad_id: int) -> PaddedTokens:
        """Return ``tokens``, on the host, with padding texts of nearly equal length after them.

        Raises:
            ValueError: the tokens don't fit.
        """
        rest = self.tokens - len(tokens.ids)
        if rest < self.padding or rest > self.padding * self.longest or int(tokens.sizes.max()) > self.longest:
            raise ValueError(
                f"a batch must fit {self}, but has {len(tokens.ids)} tokens, {tokens.sizes.max()} in a text"
            )
        lengths = np.concatenate([tokens.sizes, np.diff(np.linspace(0, rest, self.padding + 1).astype(np.int64))])
        ids = np.concatenate([tokens.ids.numpy(), np.full(rest, pad_id)])
        segments = None if tokens.segments is None else np.concatenate([tokens.segments.numpy(), np.zeros(rest)])
        filled = replace(Tokens.from_flat(ids, lengths, segments), sizes=np.full(len(lengths), self.columns))
        return PaddedTokens.of(filled, torch.arange(len(tokens)))


@dataclass(frozen=True)
class BatchShape:
    """The fixed shape of a batch, of the views that are read and of the batches of the streams that are read."""

    tokens: TokensShape
    views: Mapping[str, TokensShape]
    streams: Mapping[str, BatchShape]

    @classmethod
    def of(cls, batches: Sequence[Batch], reads: Reads) -> BatchShape:
        """Return the smallest shape that holds every one of ``batches``, as far as a step reads them."""
        return cls(
            TokensShape.of([batch.tokens for batch in batches]),
            {name: TokensShape.of([batch.views[name] for batch in batches]) for name in reads.views},
            {name: cls.of(list(_drawn(batches, name, rate)), Reads()) for name, rate in reads.rates.items()},
        )

    def fill(self, batch: Batch, pad_id: int) -> Batch:
        """Return ``batch``, on the host, in this shape; its streams' batches get theirs as they are drawn."""
        return replace(
            batch,
            tokens=self.tokens.fill(batch.tokens, pad_id),
            views={name: shape.fill(batch.views[name], pad_id) for name, shape in self.views.items()},
            streams={name: partial(self._filled_stream, batch, name, pad_id) for name in self.streams},
        )

    def _filled_stream(self, batch: Batch, name: str, pad_id: int, rate: float) -> Iterator[Batch]:
        return (self.streams[name].fill(one, pad_id) for one in batch.streams[name](rate))


def _drawn(batches: Iterable[Batch], name: str, rate: float) -> Iterable[Batch]:
    return (one for batch in batches for one in batch.streams[name](rate))
