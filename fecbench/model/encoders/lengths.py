"""How long a text an encoder takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from fecbench.model.encoders.source import EncoderSource


LONGEST = 10**6


def longest_text(source: EncoderSource, network: PreTrainedModel) -> int:
    """The most tokens of a text that the encoder takes, by its positions and its tokenizer."""
    return min(source.tokenizer.model_max_length, positions(network) or LONGEST, LONGEST)


def positions(network: PreTrainedModel) -> int | None:
    """The most tokens of a text that the encoder has positions for; None where it has no limit, which XLNet's configuration calls -1."""
    most = getattr(network.config, "max_position_embeddings", None)
    return most - first_position(network) if isinstance(most, int) and most > 0 else None


def first_position(network: PreTrainedModel) -> int:
    """The position number of a text's first token: 0, but one past the padding's where positions have a padding entry, as in RoBERTa."""
    for name, module in network.named_modules():
        if name.endswith("position_embeddings") and getattr(module, "padding_idx", None) is not None:
            return cast("int", module.padding_idx) + 1
    return 0
