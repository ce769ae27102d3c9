"""``none``: for methods that read the raw texts themselves, such as a prompted language model. To it a text is one token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from fecbench.model.encoders.source import EncoderSource

# Of a state that is two wide, normalisation leaves signs alone, so that it would seem to see no other token.
SIZES = {
    "hidden_size": 4,
    "num_hidden_layers": 1,
    "num_attention_heads": 1,
    "intermediate_size": 4,
    "max_position_embeddings": 512,
}


class Nothing:
    """The smallest encoder that there is, which stands where a run must have one."""

    settings: ClassVar[Mapping[str, object]] = {}

    def __call__(self, texts: Sequence[str]) -> EncoderSource:
        """The encoder."""
        from tokenizers import Tokenizer, models
        from transformers import AutoConfig, PreTrainedTokenizerFast

        words = {"[PAD]": 0, "[TEXT]": 1}
        tokenizer = PreTrainedTokenizerFast(
            tokenizer_object=Tokenizer(models.WordLevel(words, unk_token="[TEXT]")),
            pad_token="[PAD]",  # and no unknown token: [TEXT] stands for any text by design
            model_max_length=SIZES["max_position_embeddings"],
        )
        return EncoderSource(
            "none", tokenizer, AutoConfig.for_model("bert", vocab_size=len(words), pad_token_id=0, **SIZES), None
        )


nothing = Nothing()
