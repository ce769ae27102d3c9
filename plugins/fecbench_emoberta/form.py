"""The text encoding of EmoBERTa for texts without context."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from fecbench import FecbenchError, Form
from fecbench_emoberta.segments import conversation

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class Speaking(Form):
    """A text without context, optionally with a speaker's name and an empty segment of past turns before it.

    Attributes:
        past: put the empty segment of past turns first.
        speaker: name put before every text; empty for none.
        case: spelling of the name, all capitals or title case.
    """

    past: bool = False
    speaker: str = ""
    case: Literal["upper", "title"] = "upper"

    @property
    def prefix(self) -> str:
        """Return the speaker prefix of a text, empty without a speaker.

        >>> Speaking(speaker="joey").prefix, Speaking(speaker="joey", case="title").prefix
        ('JOEY: ', 'Joey: ')
        """
        name = self.speaker.upper() if self.case == "upper" else self.speaker.title()
        return f"{name}: " if name else ""

    def encode(self, texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, max_length: int) -> list[list[int]]:
        """Return the ids of each text, joined from pieces so that special tokens spelled in a text stay plain text.

        Raises:
            FecbenchError: the tokenizer has no first token or no separator.
        """
        first, last = tokenizer.cls_token_id, tokenizer.sep_token_id
        if first is None or last is None:
            raise FecbenchError(
                "--frame and --speaker need an encoder whose tokenizer puts a first token and a separator around a "
                "text, but this one doesn't; choose BERT or RoBERTa, or leave out both options"
            )
        turns = tokenizer([self.prefix + text for text in texts], add_special_tokens=False, split_special_tokens=True)[
            "input_ids"
        ]
        # RoBERTa puts two separators between the parts of a pair, BERT one: the tokenizer's counts tell.
        separators = tokenizer.num_special_tokens_to_add(pair=True) - tokenizer.num_special_tokens_to_add(pair=False)
        past: list[list[int]] | None = [] if self.past else None
        return [
            conversation(past, turn, None, first=first, last=last, between=[last] * separators, limit=max_length)
            for turn in turns
        ]
