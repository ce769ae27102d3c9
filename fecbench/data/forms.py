"""Forms: an objective's own encoding of texts into token ids, instead of plain tokenisation."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class Form(ABC):
    """An encoding of texts into token ids.

    A subclass is a frozen dataclass; everything that :meth:`encode` depends on must be a field.

    An objective names its forms in ``Objective.forms``: the form ``text`` replaces plain tokenisation; each
    other form adds a view of each text. The token cache identifies a form by its ``repr``. If the encoding
    depends on a file, store the file's hash as a field, so that the cache notices changes.
    """

    @abstractmethod
    def encode(self, texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, max_length: int) -> list[list[int]]:
        """Return the token ids of each text, with special tokens, at most ``max_length``.

        A text with ``max_length`` ids counts as truncated.
        """
