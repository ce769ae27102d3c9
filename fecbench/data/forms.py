"""Forms: how a text is put to the encoder, where that isn't its plain tokenisation."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class Form(ABC):
    """How texts become token ids; a subclass is a frozen dataclass whose fields are all that :meth:`encode` depends on.

    An objective names its forms in ``Objective.forms``: the form ``text`` takes the place of the plain tokenisation, every other one is a
    further view of each text. Token ids are cached by the form's ``repr``: what a file holds belongs into a field too, as its hash.
    """

    @abstractmethod
    def encode(self, texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, max_length: int) -> list[list[int]]:
        """The ids of each text, special tokens included, ``max_length`` at most; a text that fills them all is counted as cut."""
