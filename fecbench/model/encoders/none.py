"""The encoder ``none``: for methods that read raw texts, such as a prompted language model.

It encodes any text as one token.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from fecbench.model.encoders.source import EncoderSource

NONE = "none"  # its registered name

# States are four wide: of two numbers, layer normalisation keeps the signs alone. The first token's state would not
# change with the other tokens, and the network would pass for a causal one.
SIZES = {
    "hidden_size": 4,
    "num_hidden_layers": 1,
    "num_attention_heads": 1,
    "intermediate_size": 4,
    "max_position_embeddings": 512,
}


class Nothing:
    """Factory of a minimal encoder, for methods that don't use one."""

    settings: ClassVar[Mapping[str, object]] = {}

    def __call__(self, texts: Sequence[str]) -> EncoderSource:
        """Return the encoder."""
        from tokenizers import Tokenizer, models
        from transformers import AutoConfig, PreTrainedTokenizerFast

        words = {"[PAD]": 0, "[TEXT]": 1}
        tokenizer = PreTrainedTokenizerFast(
            tokenizer_object=Tokenizer(models.WordLevel(words, unk_token="[TEXT]")),
            pad_token="[PAD]",  # without an unknown token: [TEXT] stands for any text by design
            model_max_length=SIZES["max_position_embeddings"],
        )
        return EncoderSource(
            NONE, tokenizer, AutoConfig.for_model("bert", vocab_size=len(words), pad_token_id=0, **SIZES), None
        )


nothing = Nothing()
