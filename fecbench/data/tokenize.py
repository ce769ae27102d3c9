"""Tokenise text columns; the token cache.

The folder :func:`token_cache` holds one file for each column, named by a digest of all that determines its ids.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import zlib
from array import array
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from inspect import getsource
from itertools import chain
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING

import numpy as np
from platformdirs import user_cache_path

from fecbench.core.errors import EncoderError
from fecbench.core.plugin_errors import plugin_errors
from fecbench.data.datasets.rows import chunks
from fecbench.data.tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from transformers import PreTrainedTokenizerBase

    from fecbench.data.forms import Form


PROBE_WORDS = 1000  # maximum words of the longest probe text, whose ids are part of the cache's key
TEXTS_PER_CALL = 1000  # texts in one call of the tokenizer; its output takes about 100 bytes a token


def token_cache() -> Path:
    """Return the folder of the token cache, ``fecbench/tokens`` in the user's cache folder (``XDG_CACHE_HOME``)."""
    return user_cache_path("fecbench") / "tokens"


@dataclass(frozen=True)
class TokenColumn:
    """The token ids of one text column: row ``r`` is ``ids[offsets[r]:offsets[r + 1]]``.

    Attributes:
        ids: int64 or int32 ``[T]``.
        offsets: int64 ``[N + 1]``.
        cut: number of texts truncated to the maximum length.
        segments: int64 ``[T]``, each token's segment in rows that are pairs of texts; None if all are 0.
    """

    ids: np.ndarray
    offsets: np.ndarray
    cut: int = 0
    segments: np.ndarray | None = None

    @property
    def lengths(self) -> np.ndarray:
        """The number of tokens in each row."""
        return np.diff(self.offsets)

    def take(self, rows: np.ndarray) -> Tokens:
        """Return the packed tokens of ``rows``, in that order."""
        lengths = self.offsets[rows + 1] - self.offsets[rows]
        shift = self.offsets[rows] - (np.cumsum(lengths) - lengths)
        indices = np.repeat(shift, lengths) + np.arange(lengths.sum())
        return Tokens.from_flat(self.ids[indices], lengths, None if self.segments is None else self.segments[indices])


def token_column(
    texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, max_length: int, cache: Path, form: Form | None = None
) -> TokenColumn:
    """Tokenise ``texts`` to at most ``max_length`` tokens, plainly or in a ``form``, or read them from the cache.

    A damaged cache file is rewritten; without a writable cache the texts are tokenised in every run.

    Raises:
        EncoderError: the tokenizer finds no token in a text.
    """
    file = cache / f"{_cache_key(texts, tokenizer, max_length, form)}.tokens"
    column = _read(file, len(texts)) if file.is_file() else None
    if column is None:
        column = _written(file, lambda out: _encode(texts, tokenizer, max_length, form, out), len(texts))
    check_tokens(texts, column.lengths)
    return column


def uncached_column(
    texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, max_length: int, form: Form | None = None
) -> TokenColumn:
    """Tokenise ``texts`` to at most ``max_length`` tokens, plainly or in a ``form``, without the cache.

    Raises:
        EncoderError: the tokenizer finds no token in a text.
    """
    encoded, truncated = encode_texts(texts, tokenizer, max_length, form)
    lengths = np.array([len(ids) for ids in encoded])
    check_tokens(texts, lengths)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return TokenColumn(np.fromiter(chain.from_iterable(encoded), np.int64), offsets, sum(truncated))


def check_tokens(texts: Sequence[str], lengths: np.ndarray) -> None:
    """Raise EncoderError if a text has no token, given the number of tokens of each text.

    Raises:
        EncoderError: a text has no token.
    """
    empty = np.flatnonzero(lengths == 0)
    if empty.size:
        text = texts[int(empty[0])]
        raise EncoderError(
            f"every text must have a token, but the encoder's tokenizer finds none in {text!r}; "
            "remove it, or change encoders"
        )


def unknown_share(column: TokenColumn, tokenizer: PreTrainedTokenizerBase) -> float:
    """Return the share of unknown tokens in a column, not counting special tokens; see :func:`count_unknown`."""
    unknown, counted = count_unknown(column.ids, tokenizer)
    return unknown / max(counted, 1)


def count_unknown(ids: np.ndarray, tokenizer: PreTrainedTokenizerBase) -> tuple[int, int]:
    """Return the number of unknown tokens among ``ids``, and the number of all tokens without the special ones.

    No token is unknown if the tokenizer has no unknown token, as in byte-level BPE, or uses it for another purpose
    too, as GPT-2's does.
    """
    unknown = tokenizer.unk_token_id
    roles = [getattr(tokenizer, f"{role}_token_id") for role in ("bos", "eos", "cls", "sep", "pad", "mask")]
    if unknown is None or unknown in roles:
        return 0, len(ids)
    special = np.isin(ids, [number for number in tokenizer.all_special_ids if number != unknown]).sum()
    return int((ids == unknown).sum()), int(len(ids) - special)


def _encode(
    texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, max_length: int, form: Form | None, out: IO[bytes]
) -> None:
    """Write the cache file in int32: token ids, the length of each text, the number of truncated texts, a checksum."""
    lengths, cut, checksum = array("i"), 0, 0

    def write(numbers: np.ndarray) -> None:
        nonlocal checksum
        # Without a checksum, a flipped bit on the disk would change the ids of a text and nothing would fail.
        checksum = zlib.crc32(numbers.data, checksum)
        out.write(numbers.data)

    for part in chunks(texts, TEXTS_PER_CALL):
        encoded, truncated = encode_texts(part, tokenizer, max_length, form)
        write(np.fromiter(chain.from_iterable(encoded), np.int32))
        lengths.extend(map(len, encoded))
        cut += sum(truncated)
    write(np.array([*lengths, cut], np.int32))
    out.write(np.uint32(checksum).data)


def _read(file: Path | IO[bytes], texts: int) -> TokenColumn | None:
    """Memory-map a file that :func:`_encode` wrote of ``texts`` texts; return None if its content is anything else."""
    try:
        numbers = np.asarray(np.memmap(file, np.int32, mode="r"))
    except (OSError, ValueError):  # the file is empty, or its size is no multiple of 4 bytes
        return None
    if len(numbers) < texts + 2 or zlib.crc32(numbers[:-1].data) != numbers[-1:].view(np.uint32)[0]:
        return None
    lengths, cut = numbers[-texts - 2 : -2], int(numbers[-2])
    offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    whole = len(numbers) == offsets[-1] + texts + 2 and (lengths >= 0).all()
    return TokenColumn(numbers[: offsets[-1]], offsets, cut) if whole else None


def _written(file: Path, write: Callable[[IO[bytes]], None], texts: int) -> TokenColumn:
    """Write the cache file atomically with ``write`` and map it; fall back to a temporary file if it can't be written.

    Raises:
        EncoderError: the content read back is not what was written.
    """
    # A draft for each process: runs side by side fill one cache with the same texts.
    draft = file.with_suffix(f".{os.getpid()}.unfinished")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as out:
            write(out)
        draft.replace(file)
        column = _read(file, texts)
    except OSError:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        with TemporaryFile() as out:  # the mapping outlives the file
            write(out)
            out.flush()
            column = _read(out, texts)
    if column is None:
        raise EncoderError(
            f"{file} must hold the tokens that were just written there, but doesn't; check its disk for errors"
        )
    return column


def encode_texts(
    texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, max_length: int, form: Form | None = None
) -> tuple[list[list[int]], list[bool]]:
    """Return the token ids of each text, encoded plainly or in a ``form``, and for each whether it was truncated."""
    if form is not None:
        with plugin_errors(f"the form {type(form).__name__}", form):
            ids = form.encode(texts, tokenizer, max_length)
        return ids, [len(row) >= max_length for row in ids]
    encoded = tokenizer(
        list(texts), truncation=True, max_length=max_length, return_attention_mask=False, return_token_type_ids=False
    )
    return encoded["input_ids"], [bool(encoding.overflowing) for encoding in encoded.encodings]


def _cache_key(texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, max_length: int, form: Form | None) -> str:
    """Return a digest of the texts and of everything that determines their ids.

    ``tokenizer.json`` does not determine them alone, so the ids of some probe texts are part of the digest.
    """
    probe = encode_texts(_probe(texts, tokenizer, min(max_length, PROBE_WORDS)), tokenizer, max_length, form)
    sha = hashlib.sha256(repr([_rules(tokenizer), max_length, _rules_of_form(form), probe]).encode())
    for part in chunks(texts):
        # each text follows its length, so that no two lists of texts look alike
        sha.update("".join(f"{len(text)} {text}" for text in part).encode())
    return sha.hexdigest()


def _rules(tokenizer: PreTrainedTokenizerBase) -> list[object]:
    """Return a tokenizer's rules: versions, class, ``tokenizer.json``, and settings such as the truncation side."""
    rules = json.loads(tokenizer.backend_tokenizer.to_str())
    rules |= {"truncation": None, "padding": None}  # these two describe the tokenizer's last call only
    settings = {
        name: value
        for name, value in sorted(vars(tokenizer).items())
        if isinstance(value, bool | int | float | str | None)
    }
    versions = [version(library) for library in ("tokenizers", "transformers")]
    return [versions, f"{type(tokenizer).__module__}.{type(tokenizer).__qualname__}", rules, settings]


def _rules_of_form(form: Form | None) -> tuple[str, str, str]:
    """Return a form's rules: its module, its fields, and the module's source code ("" if it has none)."""
    if form is None:
        return "", "", ""
    with suppress(OSError, TypeError):
        return type(form).__module__, repr(form), getsource(sys.modules[type(form).__module__])
    return type(form).__module__, repr(form), ""


def _probe(texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, words: int) -> list[str]:
    """Return up to 20 of the texts, and a text of more than ``words`` words that has all special tokens."""
    sample = [texts[int(row)] for row in np.linspace(0, len(texts) - 1, min(len(texts), 20))]
    joined = " ".join([*sample, *tokenizer.all_special_tokens, "word"])
    return [*sample, " ".join([joined] * (words // len(joined.split()) + 1))]
