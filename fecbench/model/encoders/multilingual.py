"""The encoder ``multilingual``: XLM-RoBERTa base, pretrained on texts in 100 languages (Conneau et al., ACL 2020).

It has 278 million parameters, most of them embeddings of its 250,000 tokens, and 12 layers, 768 wide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from fecbench.model.encoders.languages import MULTILINGUAL, MULTILINGUAL_NAME
from fecbench.model.encoders.pretrained import Pretrained

if TYPE_CHECKING:
    from fecbench.model.encoders.source import EncoderSource


HUB_ID = "FacebookAI/xlm-roberta-base"


class Multilingual:
    """Factory of the encoder, which is read from the hub, or from the hub's cache on this machine."""

    settings: ClassVar[Mapping[str, object]] = {}

    def __call__(self, texts: Sequence[str]) -> EncoderSource:
        """Return the encoder.

        Raises:
            EncoderError: it is neither on this machine nor on a reachable hub.
        """
        return Pretrained(HUB_ID, MULTILINGUAL_NAME, language=MULTILINGUAL)(texts)


multilingual = Multilingual()
