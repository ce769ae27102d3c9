"""How EmoBERTa puts a single text to the encoder."""

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
    """A text without context, perhaps after a speaker's name and behind the empty segment of its past.

    Attributes:
        past: whether the empty past segment stands there.
        speaker: a name that is said of every text; empty for none.
        case: how the name is written.
    """

    past: bool = False
    speaker: str = ""
    case: Literal["upper", "title"] = "upper"

    @property
    def prefix(self) -> str:
        """What stands before a text.

        >>> Speaking(speaker="joey").prefix, Speaking(speaker="joey", case="title").prefix
        ('JOEY: ', 'Joey: ')
        """
        name = self.speaker.upper() if self.case == "upper" else self.speaker.title()
        return f"{name}: " if name else ""

    def encode(self, texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, max_length: int) -> list[list[int]]:
        """Ids made of pieces: a text that spells a special token doesn't make one.

        Raises:
            FecbenchError: the tokenizer has no first token or no separator to frame a text with.
        """
        first, last = tokenizer.cls_token_id, tokenizer.sep_token_id
        if first is None or last is None:
            raise FecbenchError(
                "--frame and --speaker need an encoder whose tokenizer puts a first token and a separator around a text"
            )
        turns = tokenizer([self.prefix + text for text in texts], add_special_tokens=False, split_special_tokens=True)[
            "input_ids"
        ]
        separators = tokenizer.num_special_tokens_to_add(pair=True) - tokenizer.num_special_tokens_to_add(pair=False)
        past: list[list[int]] | None = [] if self.past else None
        return [
            conversation(past, turn, None, first=first, last=last, between=[last] * separators, limit=max_length)
            for turn in turns
        ]
