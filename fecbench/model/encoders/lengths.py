"""Compute the maximum length of a text for an encoder."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from fecbench.model.encoders.source import EncoderSource


MAX_TOKENS = 10**6  # tokens; a tokenizer without a limit gives 10^30


def longest_text(source: EncoderSource, network: PreTrainedModel) -> int:
    """Return the encoder's maximum number of tokens for a text, by its positions and its tokenizer."""
    return min(source.tokenizer.model_max_length, positions(network) or MAX_TOKENS, MAX_TOKENS)


def positions(network: PreTrainedModel) -> int | None:
    """Return the number of tokens that the encoder has positions for; None if it has no limit."""
    limit = getattr(network.config, "max_position_embeddings", None)
    if not isinstance(limit, int) or limit <= 0:  # XLNet's configuration writes "no limit" as -1
        return None
    return limit - first_position(network)


def first_position(network: PreTrainedModel) -> int:
    """Return the position number of a text's first token.

    It is 0, or one past the padding entry if the position embedding has one, as in RoBERTa.
    """
    for name, module in network.named_modules():
        if name.endswith("position_embeddings") and getattr(module, "padding_idx", None) is not None:
            return cast("int", module.padding_idx) + 1
    return 0
