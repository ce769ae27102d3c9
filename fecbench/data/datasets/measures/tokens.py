"""Measure texts in the tokens of an encoder: lengths, unknown tokens, and texts that would be cut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fecbench.data.datasets.measures.lengths import Lengths
from fecbench.data.datasets.rows import chunks
from fecbench.data.tokenize import TEXTS_PER_CALL, count_unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase

    from fecbench.data.datasets.measures.digests import Advance


@dataclass(frozen=True)
class Encoding:
    """An encoder's name and tokenizer, and the number of tokens to which a run would cut texts."""

    encoder: str
    tokenizer: PreTrainedTokenizerBase
    max_length: int


@dataclass(frozen=True)
class TokenLengths:
    """Texts measured in tokens.

    Attributes:
        encoder: the encoder's name.
        special: special tokens that the encoder adds to each text; the lengths include them.
        max_length: tokens to which a run would cut texts.
        lengths: tokens of the whole texts, before any cut.
        cut: texts of each split that are longer than ``max_length``.
        unknown: share of each split's tokens, special ones not counted, that the encoder doesn't know.
    """

    encoder: str
    special: int
    max_length: int
    lengths: Lengths
    cut: Mapping[str, int]
    unknown: Mapping[str, float]

    def summary(self) -> dict[str, Any]:
        """Return the figures by name; ``cut`` is a share of texts."""
        rows = {split: len(lengths) for split, lengths in self.lengths.by_split.items()}
        return {
            "encoder": self.encoder,
            "special": self.special,
            **self.lengths.summary(),
            "max_length": self.max_length,
            "cut": {split: round(count / rows[split], 6) for split, count in self.cut.items()},
            "cut_texts": dict(self.cut),
            "unknown": {split: round(share, 6) for split, share in self.unknown.items()},
        }


def token_lengths(splits: Mapping[str, Dataset], encoding: Encoding, advance: Advance) -> TokenLengths:
    """Tokenise the texts of all splits without a cut, and return their lengths with the shares of unknown tokens."""
    lengths = {name: np.empty(len(split), np.int32) for name, split in splits.items()}
    unknown = {}
    for name, split in splits.items():
        counts = np.zeros(2, np.int64)
        start = 0
        for part in chunks(split["text"], TEXTS_PER_CALL):
            texts = _ids(part, encoding.tokenizer)
            lengths[name][start : start + len(texts)] = [len(ids) for ids in texts]
            counts += count_unknown(np.concatenate([np.asarray(ids, np.int64) for ids in texts]), encoding.tokenizer)
            start += len(texts)
            advance(len(texts))
        unknown[name] = float(counts[0] / max(counts[1], 1))
    return TokenLengths(
        encoding.encoder,
        encoding.tokenizer.num_special_tokens_to_add(pair=False),
        encoding.max_length,
        Lengths("tokens", lengths),
        {name: int((part > encoding.max_length).sum()) for name, part in lengths.items()},
        unknown,
    )


def _ids(texts: Any, tokenizer: PreTrainedTokenizerBase) -> list[list[int]]:
    encoded = tokenizer(
        list(texts),
        truncation=False,
        return_attention_mask=False,
        return_token_type_ids=False,
        verbose=False,  # else transformers warns of every text that is longer than the encoder takes
    )
    ids: list[list[int]] = encoded["input_ids"]
    return ids
