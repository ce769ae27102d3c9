"""Digest texts to eight bytes, so that equal texts are found without holding them in memory.

Two of a million different texts have the same digest with a probability of about 1 in 40 million.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from fecbench.data.datasets.rows import chunks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from datasets import Dataset

    Advance = Callable[[int], None]  # takes the number of texts that were read since the last call


@dataclass(frozen=True)
class Digests:
    """Digests of the texts by split, uint64 ``[N]``.

    Attributes:
        exact: digests of the texts as they are.
        folded: digests of the texts without case and white space (:func:`folded`).
    """

    exact: Mapping[str, np.ndarray]
    folded: Mapping[str, np.ndarray]


def folded(text: str) -> str:
    """Return a text in one case and with single spaces: texts that differ only in these count as equal.

    >>> folded("I am  so GLAD ")
    'i am so glad'
    """
    return " ".join(text.casefold().split())


def digest(text: str) -> int:
    """Return eight bytes of a text's digest as a number."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest())


def digest_texts(splits: Mapping[str, Dataset], advance: Advance) -> Digests:
    """Return the digests of the texts of all splits."""
    exact = {name: np.empty(len(split), np.uint64) for name, split in splits.items()}
    without_case = {name: np.empty(len(split), np.uint64) for name, split in splits.items()}
    for name, split in splits.items():
        start = 0
        for part in chunks(split["text"]):
            rows = slice(start, start + len(part))
            exact[name][rows] = [digest(text) for text in part]
            without_case[name][rows] = [digest(folded(text)) for text in part]
            start += len(part)
            advance(len(part))
    return Digests(exact, without_case)
