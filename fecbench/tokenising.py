"""Texts to token ids, once: what was tokenised before is read from a cache."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fecbench.errors import EncoderError
from fecbench.packing import Tokens

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from transformers import PreTrainedTokenizerBase

    from fecbench.forms import Form


@dataclass(frozen=True)
class TokenColumn:
    """The token ids of one text column: row ``r`` is ``ids[offsets[r]:offsets[r + 1]]``.

    Attributes:
        ids: int64 or int32 ``[T]``.
        offsets: int64 ``[N + 1]``.
        cut: how many texts were cut to the greatest length.
        segments: int64 ``[T]``, the segment of each token in rows that are pairs of texts; None where all are in the first.
    """

    ids: np.ndarray
    offsets: np.ndarray
    cut: int = 0
    segments: np.ndarray | None = None

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each row."""
        return np.diff(self.offsets)

    def take(self, rows: np.ndarray) -> Tokens:
        """The tokens of ``rows``, in that order."""
        lengths = self.lengths[rows]
        shift = self.offsets[rows] - (np.cumsum(lengths) - lengths)
        places = np.repeat(shift, lengths) + np.arange(lengths.sum())
        return Tokens.from_flat(self.ids[places], lengths, None if self.segments is None else self.segments[places])


def token_column(
    texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, max_length: int, cache: Path, form: Form | None = None
) -> TokenColumn:
    """``texts`` as token ids of at most ``max_length``, in a form; a cache that is damaged or can't be written costs time only.

    Raises:
        EncoderError: the tokenizer finds no token in a text.
    """
    from datasets import Dataset, disable_progress_bars
    from pyarrow import ArrowException

    disable_progress_bars()

    def encode(part: Mapping[str, list[str]]) -> Mapping[str, Sequence[object]]:
        ids, cut = encode_texts(part["text"], tokenizer, max_length, form)
        return {"ids": ids, "cut": cut}

    def encoded(file: Path | None) -> Dataset:
        name = str(file) if file else None
        return rows.map(encode, batched=True, remove_columns=["text"], cache_file_name=name, new_fingerprint=key)

    key = _cache_key(texts, tokenizer, max_length, form)
    rows, file, found = Dataset.from_dict({"text": list(texts)}), cache / f"{key}.arrow", None
    with suppress(ArrowException, OSError):  # damaged, or not to be written
        cache.mkdir(parents=True, exist_ok=True)
        found = encoded(file)
    if found is None or len(found) != len(texts):
        with suppress(OSError):
            file.unlink(missing_ok=True)  # the next run writes it anew
        found = encoded(None)
    ids = found.data.column("ids").combine_chunks()
    offsets = ids.offsets.to_numpy().astype(np.int64)
    if (empty := np.flatnonzero(np.diff(offsets) == 0)).size:
        text = texts[int(empty[0])]
        raise EncoderError(
            f"every text must have a token, but the encoder's tokenizer finds none in {text!r}; remove it, or change encoders"
        )
    return TokenColumn(ids.flatten().to_numpy(), offsets, sum(found["cut"][:]))


def encode_texts(
    texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, max_length: int, form: Form | None = None
) -> tuple[list[list[int]], list[bool]]:
    """The ids of each text, in a form, and whether it was cut to ``max_length``."""
    if form is not None:
        ids = form.encode(texts, tokenizer, max_length)
        return ids, [len(row) >= max_length for row in ids]
    encoded = tokenizer(list(texts), truncation=True, max_length=max_length, return_attention_mask=False, return_token_type_ids=False)
    return encoded["input_ids"], [bool(encoding.overflowing) for encoding in encoded.encodings]


def _cache_key(texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, max_length: int, form: Form | None) -> str:
    rules = json.loads(tokenizer.backend_tokenizer.to_str()) | {"truncation": None, "padding": None}  # these two keep its last use
    sha = hashlib.sha256(json.dumps(rules).encode())
    kind = "" if form is None else f"{type(form).__module__}.{form!r}"
    sha.update(f"{max_length}{kind}\x1d".encode())
    sha.update("\x1e".join(texts).encode())
    return sha.hexdigest()
