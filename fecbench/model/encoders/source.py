"""Describe an encoder before its network is built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedTokenizerBase


@dataclass(frozen=True)
class EncoderSource:
    """What transformers needs to build an encoder.

    Attributes:
        name: as the user gave it.
        tokenizer: its fast tokenizer.
        config: its architecture.
        weights: hub id or folder of pretrained weights; None for random initialisation.
    """

    name: str
    tokenizer: PreTrainedTokenizerBase
    config: PretrainedConfig
    weights: str | None


class EncoderFactory(Protocol):
    """What an entry point of the group ``fecbench_encoders`` offers."""

    @property
    def settings(self) -> Mapping[str, object]:
        """Run settings that fit the encoder, such as its learning rate."""

    def __call__(self, texts: Sequence[str]) -> EncoderSource:
        """The encoder; ``texts`` are the training texts, for encoders that learn their vocabulary. Raises EncoderError."""
