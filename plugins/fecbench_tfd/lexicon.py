"""Lexicons of positive and negative words, read from files with lines ``word<TAB>pos`` or ``word<TAB>neg``."""

from __future__ import annotations

import hashlib
import re
import string
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from fecbench import FecbenchError, expanded

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

OWN = Path(__file__).with_name("lexicon.tsv")
POLARITIES = ("pos", "neg")
PLACEHOLDER = re.compile(r"\[\w+\]")  # GoEmotions replaces names by [NAME] and [RELIGION]; they count as neutral
PUNCTUATION = string.punctuation + "".join(map(chr, range(0x2010, 0x2028)))  # the latter: dashes, quotation marks, dots


@dataclass(frozen=True)
class Lexicon:
    """Words of positive or negative polarity, in lower case.

    >>> happy = Lexicon({"happy": "pos"})
    >>> [word for word in "Happy? [happy] unhappy".split() if word in happy]
    ['Happy?']
    """

    polarities: Mapping[str, str]

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and PLACEHOLDER.sub("", word).lower().strip(PUNCTUATION) in self.polarities

    @property
    def fingerprint(self) -> str:
        """Return the SHA-256 of the words and their polarities."""
        return hashlib.sha256(repr(sorted(self.polarities.items())).encode()).hexdigest()

    def coverage(self, texts: Iterable[str]) -> float:
        """Return the share of ``texts`` that have a word of the lexicon; 0 if there are no texts."""
        has_word = [any(word in self for word in text.split()) for text in texts]
        return sum(has_word) / max(len(has_word), 1)


def read_lexicon(path: str | Path = OWN) -> Lexicon:
    """Read a lexicon from a UTF-8 file, by default the plugin's own, without empty lines and comments (``#`` first).

    Raises:
        FecbenchError: the file can't be read, or a line isn't ``word<TAB>pos`` or ``word<TAB>neg``.
    """
    return _read(str(path))


@cache
def _read(path: str) -> Lexicon:
    try:
        # "utf-8-sig", because spreadsheet programs begin a file with a byte order mark.
        lines = Path(expanded(path)).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeError) as error:
        raise FecbenchError(
            f"--lexicon must be a UTF-8 file of lines word<TAB>pos|neg, but {path} can't be read: {error}; "
            "give a readable file"
        ) from None
    polarities: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        word, _, polarity = line.rstrip().lower().partition("\t")
        if polarity not in POLARITIES or len(word.split()) != 1:
            raise FecbenchError(
                f"{path}, line {number}: must be one word, a tab, and pos or neg, found {line!r}; correct the line"
            )
        if polarities.setdefault(word, polarity) != polarity:
            raise FecbenchError(f"{path}, line {number}: {word!r} is both pos and neg; remove one of them")
    if not polarities:
        raise FecbenchError(f"{path} must hold lines word<TAB>pos|neg, but holds none; give another --lexicon")
    return Lexicon(polarities)
