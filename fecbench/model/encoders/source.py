"""Describe an encoder before its network is built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedTokenizerBase


@dataclass(frozen=True)
class EncoderSource:
    """Name, tokenizer, architecture and weights of an encoder: all that transformers needs to build it.

    Attributes:
        name: the encoder's name as the user gave it.
        tokenizer: a fast tokenizer.
        config: the architecture.
        weights: hub id or folder of pretrained weights; None for random initialisation.
        language: language that the weights were pretrained on, such as English; "multilingual" for many; "" if unknown
            or if the vocabulary is learned from the training texts.
    """

    name: str
    tokenizer: PreTrainedTokenizerBase
    config: PretrainedConfig
    weights: str | None
    language: str = ""


class EncoderFactory(Protocol):
    """Interface of an entry point of the group ``fecbench_encoders``."""

    @property
    def settings(self) -> Mapping[str, object]:
        """Run settings that suit the encoder, such as its learning rate."""

    def __call__(self, texts: Sequence[str]) -> EncoderSource:
        """Return the encoder; ``texts`` are the training texts, from which it may learn its vocabulary.

        Raises:
            EncoderError: the encoder isn't available or can't be used.
        """
