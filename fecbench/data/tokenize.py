"""Texts to token ids, once: what was tokenised before is read from a cache."""

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

from fecbench.core.errors import EncoderError
from fecbench.core.plugin_errors import plugin_errors
from fecbench.data.datasets.dataset import chunks
from fecbench.data.tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from transformers import PreTrainedTokenizerBase

    from fecbench.data.forms import Form


PROBE = 1000  # words of the longest text whose ids go into a cache's key, at most
TOGETHER = (
    1000  # texts that are tokenised at once: with what a tokenizer tells of them they take a hundred bytes a token
)


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
        lengths = self.offsets[rows + 1] - self.offsets[rows]
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
    file = cache / f"{_cache_key(texts, tokenizer, max_length, form)}.tokens"
    found = _read(file, len(texts)) if file.is_file() else None
    if found is None:
        found = _written(file, lambda out: _encode(texts, tokenizer, max_length, form, out), len(texts))
    check_tokens(texts, found.lengths)
    return found


def check_tokens(texts: Sequence[str], lengths: np.ndarray) -> None:
    """Return where each of ``texts`` has a token, by their ``lengths``.

    Raises:
        EncoderError: one has none.
    """
    if (empty := np.flatnonzero(lengths == 0)).size:
        text = texts[int(empty[0])]
        raise EncoderError(
            f"every text must have a token, but the encoder's tokenizer finds none in {text!r}; remove it, or change encoders"
        )


def unknown_share(column: TokenColumn, tokenizer: PreTrainedTokenizerBase) -> float:
    """The share of a column's tokens that are the tokenizer's unknown token, special tokens not counted.

    0 where the tokenizer knows no unknown token, as in byte-level BPE, or uses it for something else too, as GPT-2's does.
    """
    unknown = tokenizer.unk_token_id
    roles = [getattr(tokenizer, f"{role}_token_id") for role in ("bos", "eos", "cls", "sep", "pad", "mask")]
    if unknown is None or unknown in roles:
        return 0.0
    special = np.isin(column.ids, [number for number in tokenizer.all_special_ids if number != unknown]).sum()
    return float((column.ids == unknown).sum() / max(len(column.ids) - special, 1))


def _encode(
    texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, max_length: int, form: Form | None, out: IO[bytes]
) -> None:
    """Write all token ids, each text's number of them, how many texts were cut, and the checksum of all this: int32 throughout."""
    lengths, cut, checksum = array("i"), 0, 0

    def write(numbers: np.ndarray) -> None:
        nonlocal checksum
        checksum = zlib.crc32(numbers.data, checksum)
        out.write(numbers.data)

    for part in chunks(texts, TOGETHER):
        encoded, shortened = encode_texts(part, tokenizer, max_length, form)
        write(np.fromiter(chain.from_iterable(encoded), np.int32))
        lengths.extend(map(len, encoded))
        cut += sum(shortened)
    write(np.array([*lengths, cut], np.int32))
    out.write(np.uint32(checksum).data)


def _read(file: Path | IO[bytes], texts: int) -> TokenColumn | None:
    """What :func:`_encode` wrote of so many texts, mapped, so that it takes no own memory; None where it is something else."""
    try:
        numbers = np.asarray(np.memmap(file, np.int32, mode="r"))
    except (OSError, ValueError):  # nothing, or no whole number of numbers
        return None
    if len(numbers) < texts + 2 or zlib.crc32(numbers[:-1].data) != numbers[-1:].view(np.uint32)[0]:
        return None
    lengths, cut = numbers[-texts - 2 : -2], int(numbers[-2])
    offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    whole = len(numbers) == offsets[-1] + texts + 2 and (lengths >= 0).all()
    return TokenColumn(numbers[: offsets[-1]], offsets, cut) if whole else None


def _written(file: Path, write: Callable[[IO[bytes]], None], texts: int) -> TokenColumn:
    """What ``write`` puts into ``file``, which appears whole; where it can't be written, into a file that goes with this process.

    Raises:
        EncoderError: it can't be read back.
    """
    draft = file.with_suffix(f".{os.getpid()}.unfinished")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as out:
            write(out)
        draft.replace(file)
        found = _read(file, texts)
    except OSError:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        with TemporaryFile() as out:
            write(out)
            out.flush()
            found = _read(out, texts)
    if found is None:
        raise EncoderError(
            f"{file} must hold the tokens that were just written there, but doesn't; look whether its disk is sound"
        )
    return found


def encode_texts(
    texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, max_length: int, form: Form | None = None
) -> tuple[list[list[int]], list[bool]]:
    """The ids of each text, in a form, and whether it was cut to ``max_length``."""
    if form is not None:
        with plugin_errors(f"the form {type(form).__name__}", form):
            ids = form.encode(texts, tokenizer, max_length)
        return ids, [len(row) >= max_length for row in ids]
    encoded = tokenizer(
        list(texts), truncation=True, max_length=max_length, return_attention_mask=False, return_token_type_ids=False
    )
    return encoded["input_ids"], [bool(encoding.overflowing) for encoding in encoded.encodings]


def _cache_key(texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, max_length: int, form: Form | None) -> str:
    """A digest of the texts and of all that decides their ids, which isn't in ``tokenizer.json`` alone: the probe's ids tell the rest."""
    probe = encode_texts(_probe(texts, tokenizer, min(max_length, PROBE)), tokenizer, max_length, form)
    sha = hashlib.sha256(repr([_rules(tokenizer), max_length, _rules_of_form(form), probe]).encode())
    for part in chunks(texts):
        sha.update("".join(f"{len(text)} {text}" for text in part).encode())  # no text can hold what parts two
    return sha.hexdigest()


def _rules(tokenizer: PreTrainedTokenizerBase) -> list[object]:
    """How a tokenizer makes ids: libraries, class, ``tokenizer.json``, and settings beside it, such as the side that is cut."""
    rules = json.loads(tokenizer.backend_tokenizer.to_str()) | {
        "truncation": None,
        "padding": None,
    }  # these two keep its last use
    settings = {
        name: value
        for name, value in sorted(vars(tokenizer).items())
        if isinstance(value, bool | int | float | str | None)
    }
    versions = [version(library) for library in ("tokenizers", "transformers")]
    return [versions, f"{type(tokenizer).__module__}.{type(tokenizer).__qualname__}", rules, settings]


def _rules_of_form(form: Form | None) -> tuple[str, str, str]:
    """How a form makes ids: its fields, and the source of its module where there is one."""
    if form is None:
        return "", "", ""
    with suppress(OSError, TypeError):
        return type(form).__module__, repr(form), getsource(sys.modules[type(form).__module__])
    return type(form).__module__, repr(form), ""


def _probe(texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, words: int) -> list[str]:
    """Some of the texts, and one with the special tokens that has more than ``words`` words."""
    some = [texts[int(row)] for row in np.linspace(0, len(texts) - 1, min(len(texts), 20))]
    together = " ".join([*some, *tokenizer.all_special_tokens, "word"])
    return [*some, " ".join([together] * (words // len(together.split()) + 1))]
