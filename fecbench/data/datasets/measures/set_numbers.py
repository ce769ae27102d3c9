"""Number the different sets of labels of texts, so that rows cost one number each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fecbench.data.datasets.rows import values

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from datasets import Dataset


NO_LABEL = "no label"


class SetNumbers(NamedTuple):
    """The different sets of labels of some splits.

    Attributes:
        sets: the label numbers of each set, ascending; sets stand in the order in which they first occur.
        by_split: int64 ``[N]`` for each split, the number of each row's set.
    """

    sets: list[tuple[int, ...]]
    by_split: Mapping[str, np.ndarray]


def number_sets(splits: Mapping[str, Dataset]) -> SetNumbers:
    """Number the sets of labels of splits with a column ``labels``; a label with any share of a text is in its set."""
    numbers: dict[tuple[int, ...], int] = {}
    by_split = {
        name: np.fromiter(
            (numbers.setdefault(tuple(sorted(labels)), len(numbers)) for labels in values(split["labels"])),
            np.int64,
            len(split),
        )
        for name, split in splits.items()
    }
    return SetNumbers(list(numbers), by_split)


def set_name(numbers: Iterable[int], labels: Sequence[str]) -> str:
    """Return a set of labels in words.

    >>> set_name((0, 2), ("joy", "fear", "love")), set_name((), ("joy",))
    ('joy + love', 'no label')
    """
    return " + ".join(labels[number] for number in numbers) or NO_LABEL
