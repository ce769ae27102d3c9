"""The encoders ``tiny-bert``, ``tiny-roberta`` and ``tiny-electra``: minimal architectures with random weights.

They replace real encoders in smoke tests: ``fecbench bench --smoke``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fecbench.model.encoders.scratch import scratch
from fecbench.model.encoders.source import EncoderSource

SIZES = {
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 130,
}
FAMILIES = ("roberta", "electra", "bert")  # bert last: its name is part of roberta's


@dataclass(frozen=True)
class Tiny:
    """Factory of a minimal encoder of a family, with a vocabulary learned from the training texts."""

    family: str
    settings: Mapping[str, object] = field(default_factory=dict)

    def __call__(self, texts: Sequence[str]) -> EncoderSource:
        """Return the encoder."""
        from transformers import AutoConfig

        tokenizer = scratch(texts).tokenizer
        config = AutoConfig.for_model(
            self.family, vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id, **SIZES
        )
        return EncoderSource(f"tiny-{self.family}", tokenizer, config, None)


def tiny_encoder_for(encoder: str) -> str:
    """Return the tiny encoder of the family named in ``encoder``; BERT's if it names none.

    >>> tiny_encoder_for("google/electra-base-discriminator"), tiny_encoder_for("minilm")
    ('tiny-electra', 'tiny-bert')
    """
    return f"tiny-{next((family for family in FAMILIES if family in encoder.lower()), 'bert')}"


bert, electra, roberta = (Tiny(family) for family in ("bert", "electra", "roberta"))
