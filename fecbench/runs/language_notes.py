"""Write the notes on texts that an encoder isn't made for: another language, and unknown tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fecbench.core.errors import EncoderError
from fecbench.data.tokenize import unknown_share
from fecbench.model.encoders.languages import ENGLISH, MULTILINGUAL_NAME, differ, mostly_latin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datasets import Dataset

    from fecbench.data.batches import TokenisedSplit
    from fecbench.data.datasets.dataset import EmotionData
    from fecbench.model.encoders.source import EncoderSource


UNKNOWN_SHARE, UNREADABLE_SHARE = 0.05, 0.98  # shares of unknown tokens in a column that make a note and an error
SAMPLE = 1000  # training texts whose letters are counted
REMEDY = f"--encoder {MULTILINGUAL_NAME} reads 100 languages"


def notes_on_language(data: EmotionData, train: Dataset, source: EncoderSource) -> list[str]:
    """Return a note if the encoder is made for another language than that of the texts.

    Their language is the one in the data set's description. If it is unknown, the script of the texts tells that they
    aren't English.
    """
    language = data.info.language
    if differ(source.language, language):
        finding = f"the texts of {data.name} are in {language}"
    elif not language and source.language == ENGLISH and not mostly_latin(train[:SAMPLE]["text"]):
        finding = "most letters of the training texts aren't Latin"
    else:
        return []
    return [f"encoder {source.name} is made for {source.language}, but {finding}; {REMEDY}"]


def notes_on_unknown_tokens(
    split: str, tokens: TokenisedSplit, columns: Sequence[str], source: EncoderSource
) -> list[str]:
    """Return a note for each of the data set's own ``columns`` with many tokens that the encoder doesn't know.

    Raises:
        EncoderError: it lacks nearly all tokens of a column.
    """
    notes = []
    for name in columns:
        share = unknown_share(tokens.columns[name], source.tokenizer)
        finding = f"{100 * share:.0f} % of the {split} tokens ({name}) are unknown to encoder {source.name}"
        if share >= UNREADABLE_SHARE:
            raise EncoderError(
                f"an encoder must know the words of its texts, but {finding}; choose one made for their language and "
                f"script, or {REMEDY}"
            )
        if share >= UNKNOWN_SHARE:
            # Random weights come with a vocabulary of the training texts, whatever their language.
            remedy = f"; {REMEDY}" if source.weights is not None else ""
            notes.append(f"{finding}, which reads them all as the same word{remedy}")
    return notes
