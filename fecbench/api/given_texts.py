"""Read texts to predict from memory: lists, arrays and columns of data frames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fecbench.core.errors import UsageError


def texts_of(given: Any) -> list[str]:
    """Return texts as a list of strings.

    Raises:
        UsageError: they are one text, a table with several columns, or hold something else than texts.
    """
    kind = type(given).__name__
    if isinstance(given, str):
        raise UsageError("predict needs a list of texts, but got one text; give [text]")
    if not isinstance(given, Iterable):
        raise UsageError(f"predict needs a list of texts, but got {given!r:.50}; give [text]")
    if isinstance(given, Mapping) or len(getattr(given, "shape", (0,))) > 1:
        raise UsageError(
            f"predict needs a list or a column of texts, but got {kind}; give its column, as in data['text']"
        )
    texts = list(given)
    for number, text in enumerate(texts):
        if not (isinstance(text, str) and _is_unicode(text)):
            raise UsageError(f"predict needs a list of texts, but item {number} is {text!r:.50}; correct or remove it")
    return list(map(str, texts))


def _is_unicode(text: str) -> bool:
    """Return False for a text with lone surrogates, which no tokenizer reads."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
