"""The encoder ``scratch``: a small BERT with random weights and a vocabulary learned from the training texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from fecbench.data.datasets.rows import chunks
from fecbench.model.encoders.source import EncoderSource

if TYPE_CHECKING:
    from tokenizers import AddedToken


SPECIAL = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}
VOCABULARY = 4096


class Scratch:
    """Factory of the encoder, for first runs and tests: it trains in seconds and downloads nothing.

    Its settings were chosen on the demo's validation rows. With random weights, mean pooling learns much faster than
    the first token's state.
    """

    settings: ClassVar[Mapping[str, object]] = {
        "lr": 1e-3,
        "epochs": 15,
        "batch_size": 32,
        "pooling": "mean",
        "head": "linear",
    }

    def __call__(self, texts: Sequence[str]) -> EncoderSource:
        """Return the encoder with a WordPiece vocabulary learned from ``texts``."""
        from tokenizers.implementations import BertWordPieceTokenizer  # type: ignore[attr-defined]
        from transformers import BertConfig, PreTrainedTokenizerFast

        words = BertWordPieceTokenizer(_vocabulary(texts))
        tokenizer = PreTrainedTokenizerFast(tokenizer_object=words._tokenizer, **SPECIAL)
        config = BertConfig(
            vocab_size=len(tokenizer),
            hidden_size=128,
            num_hidden_layers=1,
            num_attention_heads=4,
            intermediate_size=512,
            max_position_embeddings=512,
            pad_token_id=tokenizer.pad_token_id,
        )
        return EncoderSource("scratch", tokenizer, config, None)


def _vocabulary(texts: Sequence[str]) -> dict[str, int]:
    """Return a WordPiece vocabulary of ``texts``, the same for the same texts.

    By default the trainer numbers the pieces ``##x`` in the order of a hash table and breaks ties between merges by
    these numbers. All characters are passed as special tokens, which it numbers in the given order.
    """
    from tokenizers.implementations import BertWordPieceTokenizer  # type: ignore[attr-defined]

    trained = BertWordPieceTokenizer()
    characters = sorted(
        set().union(*(trained.normalizer.normalize_str(" ".join(part)) for part in chunks(texts))) - {" "}
    )
    first: list[str | AddedToken] = [*SPECIAL.values(), *characters, *(f"##{character}" for character in characters)]
    size = max(VOCABULARY, len(first))
    one_by_one = (text for part in chunks(texts) for text in part)
    trained.train_from_iterator(one_by_one, size, min_frequency=2, special_tokens=first, show_progress=False)
    vocabulary: dict[str, int] = trained.get_vocab()
    return vocabulary


scratch = Scratch()
