"""Pairs of texts and definitions: each text with its own label's definition, and with another's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from fecbench import TokenColumn, TokenisedSplit

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from fecbench import Material

IS_DEFINITION, IS_NOT = 0, 1


def definitions(labels: Sequence[str], label_texts: Sequence[str]) -> list[str]:
    """What is said of each label, without its name where something is said.

    >>> definitions(["joy", "mood: calm"], ["joy: a feeling of great happiness", "mood: calm"])
    ['a feeling of great happiness', 'mood: calm']
    """
    return [text.removeprefix(f"{label}: ") for label, text in zip(labels, label_texts, strict=True)]


def definition_column(
    labels: Sequence[str], label_texts: Sequence[str], tokenizer: PreTrainedTokenizerBase
) -> TokenColumn:
    """The second part of a pair for each label: the separator of the encoder's family, the definition, the last separator."""
    separators = tokenizer.num_special_tokens_to_add(pair=True) - tokenizer.num_special_tokens_to_add(pair=False)
    between, last = [tokenizer.sep_token_id] * separators, [tokenizer.sep_token_id]
    rows = [
        [*between, *ids, *last]
        for ids in tokenizer(definitions(labels, label_texts), add_special_tokens=False)["input_ids"]
    ]
    return TokenColumn(np.concatenate(rows), np.cumsum([0, *map(len, rows)]))


def pair_columns(
    first: TokenColumn, second: TokenColumn, rows: np.ndarray, others: np.ndarray, max_length: int
) -> TokenColumn:
    """Pairs of ``first``'s ``rows [N]``, without their last separators, and ``second``'s rows ``others [N]``.

    A pair has ``max_length`` tokens at most; only its first part is ever cut.
    """
    tail = second.lengths[others]
    head = np.minimum(first.lengths[rows] - 1, max_length - tail)
    starts = np.cumsum(head + tail) - (head + tail)
    ids, segments = np.empty((2, int((head + tail).sum())), dtype=np.int64)
    for part, of, chosen, lengths, start in ((0, first, rows, head, starts), (1, second, others, tail, starts + head)):
        within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        places = np.repeat(start, lengths) + within
        ids[places] = of.ids[np.repeat(of.offsets[chosen], lengths) + within]
        segments[places] = part
    return TokenColumn(ids, np.append(starts, len(ids)), segments=segments)


def paired(material: Material, second: TokenColumn, number: int) -> TokenisedSplit:
    """The pairs of pass ``number``: each training row with its label's definition, and with another's, drawn anew in each pass."""
    classes, count = len(second.lengths), len(material.labels)
    noise = np.random.default_rng([material.seed, number])
    other = (material.labels + noise.integers(1, classes, count)) % classes
    rows = np.tile(np.arange(count), 2)
    column = pair_columns(material.tokens, second, rows, np.concatenate([material.labels, other]), material.max_length)
    return TokenisedSplit({"text": column}, np.repeat([IS_DEFINITION, IS_NOT], count))
