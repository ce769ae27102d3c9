"""Measure the lengths of texts, in words or characters and in tokens of an encoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fecbench.data.datasets.measures.text_lengths import length, unit_of
from fecbench.data.datasets.rows import chunks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from datasets import Dataset

    from fecbench.data.datasets.measures.digests import Advance


@dataclass(frozen=True)
class Lengths:
    """The lengths of all texts.

    Attributes:
        unit: ``words``, ``characters`` or ``tokens``.
        by_split: int32 ``[N]`` for each split.
    """

    unit: str
    by_split: Mapping[str, np.ndarray]

    @property
    def all(self) -> np.ndarray:
        """The lengths of the texts of all splits, int32 ``[N]``."""
        return np.concatenate(list(self.by_split.values()))

    def summary(self) -> dict[str, float]:
        """Return mean, median, 95th percentile and maximum over the texts of all splits."""
        every = self.all
        return {
            "mean": round(float(every.mean()), 2),
            "median": float(np.median(every)),
            "p95": float(np.percentile(every, 95)),
            "max": int(every.max()),
        }


def text_lengths(splits: Mapping[str, Dataset], advance: Advance) -> Lengths:
    """Return the lengths in words split at white space, or in characters for scripts without spaces between words.

    The texts are read twice: first to find the unit.
    """
    unit = unit_of(text for split in splits.values() for text in _texts(split, advance))
    return Lengths(
        unit,
        {
            name: np.fromiter((length(text, unit) for text in _texts(split, advance)), np.int32, len(split))
            for name, split in splits.items()
        },
    )


def _texts(split: Dataset, advance: Advance) -> Iterator[str]:
    for part in chunks(split["text"]):
        advance(len(part))  # before they are taken: numpy doesn't ask for what follows the last one
        yield from part
