"""Measure the length of texts in words or, for scripts without spaces between words, in characters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import regex  # `re` doesn't know scripts and grapheme clusters

if TYPE_CHECKING:
    from collections.abc import Iterable


LETTER = regex.compile(r"[\p{L}\p{M}]")
SCRIPTS = (  # without spaces between words
    r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}"
    r"\p{Tai_Le}\p{New_Tai_Lue}\p{Tai_Tham}"
)
UNSPACED = regex.compile(rf"(?V1)[[\p{{L}}\p{{M}}]&&[{SCRIPTS}]]")
CHARACTER = regex.compile(r"\X")  # a letter with its accents and vowel signs
Unit = Literal["words", "characters"]


def unit_of(texts: Iterable[str]) -> Unit:
    """Return the unit for ``texts``: characters if most letters are of a script without spaces, else words.

    >>> unit_of(["a good day"]), unit_of(["今天天气很好 :)", "OK"]), unit_of(["오늘은 좋은 날"])
    ('words', 'characters', 'words')
    """
    letters = unspaced = 0
    for text in texts:
        letters += len(LETTER.findall(text))
        unspaced += len(UNSPACED.findall(text))
    return "characters" if 2 * unspaced > letters else "words"


def length(text: str, unit: Unit) -> int:
    """Return the number of words of a text, split at white space, or of its characters without white space.

    >>> length("a good day", "words"), length("今天 天气", "characters"), length("ที่นี่", "characters")
    (3, 4, 2)
    """
    if unit == "words":
        return len(text.split())
    return sum(not character.isspace() for character in CHARACTER.findall(text))
