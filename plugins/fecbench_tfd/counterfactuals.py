"""Counterfactual texts: some or all words replaced by the tokenizer's mask token."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from fecbench import FecbenchError, Form

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transformers import PreTrainedTokenizerBase

    from fecbench_tfd.lexicon import Lexicon


@dataclass(frozen=True)
class Counterfactual(Form):
    """A text encoding that joins words by single spaces and replaces some of them by the mask token.

    Attributes:
        hidden: words to replace: ``"nothing"``, ``"polar"`` (words of the lexicon), ``"words"`` (all), or
            ``"text"`` (one mask for all words together).
        lexicon: the polar words.
        fingerprint: fingerprint of the lexicon, by which cached token ids notice changes of its file.
        form: text encoding applied afterwards; None for plain tokenisation.
    """

    hidden: Literal["nothing", "polar", "words", "text"]
    lexicon: Lexicon = field(repr=False)
    fingerprint: str
    form: Form | None = None

    def encode(self, texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, max_length: int) -> list[list[int]]:
        """Return the ids of each text.

        Raises:
            FecbenchError: the tokenizer has no mask token.
        """
        mask = tokenizer.mask_token
        if not isinstance(mask, str):
            raise FecbenchError(
                "hiding words needs a mask token, but the encoder's tokenizer has none; choose a masked language model"
            )
        masked = [self.apply(text, mask) for text in texts]
        if self.form is not None:
            return self.form.encode(masked, tokenizer, max_length)
        encoded = tokenizer(
            masked, truncation=True, max_length=max_length, return_attention_mask=False, return_token_type_ids=False
        )
        ids: list[list[int]] = encoded["input_ids"]
        return ids

    def apply(self, text: str, mask: str) -> str:
        """Replace the hidden words of ``text`` by ``mask``; a text without words stays empty."""
        words = text.split()
        if self.hidden == "polar":
            words = [mask if word in self.lexicon else word for word in words]
        elif self.hidden == "words":
            words = [mask] * len(words)
        elif self.hidden == "text":
            words = [mask] if words else []
        return " ".join(words)  # the released code joins words without spaces, in its training texts too
