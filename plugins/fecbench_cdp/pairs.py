"""Text-definition pairs: each text with the definitions of its labels, and with those of as many other labels."""

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
    """Return the description of each label without its name, or the name if it has no description.

    >>> definitions(["joy", "mood: calm"], ["joy: a feeling of great happiness", "mood: calm"])
    ['a feeling of great happiness', 'mood: calm']
    """
    return [text.removeprefix(f"{label}: ") for label, text in zip(labels, label_texts, strict=True)]


def definition_column(
    labels: Sequence[str], label_texts: Sequence[str], tokenizer: PreTrainedTokenizerBase
) -> TokenColumn:
    """Return the second part of a pair for each label: separators of the encoder's family, definition, separator.

    BERT puts one separator between the parts, RoBERTa two.
    """
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
    """Join rows of two columns of token ids into pairs with segment ids 0 and 1.

    Only the first part of a pair is ever cut, so that definitions stay whole. The first separator has segment 0, as in
    BERT's pairs.

    Args:
        first: the column of the first parts, each with a last separator, which is dropped.
        second: the column of the second parts, which begin with the separator.
        rows: int ``[N]``, rows of ``first``.
        others: int ``[N]``, rows of ``second``.
        max_length: most tokens of a pair.
    """
    tail = second.lengths[others]
    head = np.minimum(first.lengths[rows] - 1, max_length - tail)
    starts = np.cumsum(head + tail) - (head + tail)
    ids, segments = np.empty((2, int((head + tail).sum())), dtype=np.int64)
    for segment, column, chosen, lengths, start in (
        (0, first, rows, head, starts),
        (1, second, others, tail, starts + head),
    ):
        # Positions 0, 1, 2, ... within each row, all rows one after another, without a loop over rows.
        within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        positions = np.repeat(start, lengths) + within
        ids[positions] = column.ids[np.repeat(column.offsets[chosen], lengths) + within]
        segments[positions] = segment
    segments[starts + head] = 0
    return TokenColumn(ids, np.append(starts, len(ids)), segments=segments)


def paired(material: Material, second: TokenColumn, number: int) -> TokenisedSplit:
    """Return the pairs of pass ``number``: each training row with its label's definition and with another one.

    The other definition is drawn uniformly from the other labels, anew in each pass.
    """
    classes, count = len(second.lengths), len(material.labels)
    noise = np.random.default_rng([material.seed, number])
    other = (material.labels + noise.integers(1, classes, count)) % classes  # never the row's own label
    rows = np.tile(np.arange(count), 2)
    column = pair_columns(material.tokens, second, rows, np.concatenate([material.labels, other]), material.max_length)
    return TokenisedSplit({"text": column}, np.repeat([IS_DEFINITION, IS_NOT], count))


def paired_label_sets(material: Material, second: TokenColumn, number: int) -> TokenisedSplit:
    """Return the pairs of pass ``number`` where texts have several labels (Singh et al. 2024, their data).

    Each label of a text makes a pair with its definition. As many other labels make pairs with theirs, drawn without
    repetition and anew in each pass. A text without labels makes one pair, with the definition of any label.
    """
    has = material.targets > 0.5
    counts, classes = has.sum(1), has.shape[1]
    noise = np.random.default_rng([material.seed, number]).random(has.shape)
    shuffled = np.argsort(np.where(has, 2.0, noise), axis=1)  # a text's own labels last
    drawn = np.arange(classes) < np.minimum(np.maximum(counts, 1), classes - counts)[:, None]
    (texts, own), other = np.nonzero(has), shuffled[drawn]
    rows = np.concatenate([texts, np.nonzero(drawn)[0]])
    column = pair_columns(material.tokens, second, rows, np.concatenate([own, other]), material.max_length)
    return TokenisedSplit({"text": column}, np.repeat([IS_DEFINITION, IS_NOT], [len(own), len(other)]))
