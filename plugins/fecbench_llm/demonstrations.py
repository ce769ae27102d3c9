"""Which training rows stand in a prompt as examples: a function of the seed, of seed and text, or of the distance to the text."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fecbench_llm.prompts import Demonstration, one_line


@dataclass(frozen=True)
class Pool:
    """Training rows to show.

    Attributes:
        texts: their texts.
        labels: their labels, int ``[N]``.
        names: label names, by index.
    """

    texts: Sequence[str]
    labels: np.ndarray
    names: tuple[str, ...]

    def shown(self, rows: Iterable[int]) -> list[Demonstration]:
        """The rows as examples."""
        return [Demonstration(self.texts[row], self.names[self.labels[row]]) for row in rows]

    def others(self, text: str) -> np.ndarray:
        """Bool ``[N]``: which rows aren't ``text`` itself."""
        allowed = np.ones(len(self.labels), dtype=bool)
        allowed[self._rows[_same(text)]] = False
        return allowed

    @cached_property
    def _rows(self) -> defaultdict[str, list[int]]:
        rows = defaultdict(list)
        for row, text in enumerate(self.texts):
            rows[_same(text)].append(row)
        return rows


def _same(text: str) -> str:
    """What two texts share that are the same to a reader: the words, whatever their case and the space between them."""
    return one_line(text).casefold()


def draw(labels: np.ndarray, allowed: np.ndarray, shots: int, generator: np.random.Generator) -> np.ndarray:
    """Row numbers of ``shots`` examples, of different labels as long as there are any.

    Args:
        labels: int ``[N]``, the rows' labels.
        allowed: bool ``[N]``, the rows to choose from.
        shots: how many; all where there are fewer.
        generator: makes the choice.

    >>> labels, allowed = np.array([0, 0, 1, 1, 2]), np.array([True, True, True, False, True])
    >>> rows = draw(labels, allowed, 4, np.random.default_rng(0))
    >>> sorted(rows.tolist()), sorted(labels[rows[:3]].tolist())
    ([0, 1, 2, 4], [0, 1, 2])
    """
    order = generator.permutation(np.flatnonzero(allowed))
    by_label = order[np.argsort(labels[order], kind="stable")]
    turns = np.concatenate(
        [np.arange(count) for count in np.bincount(labels[by_label], minlength=1)]
    )  # rows of its label before a row
    return by_label[np.lexsort((generator.random(len(by_label)), turns))][:shots]


def generator_of(seed: int, text: str) -> np.random.Generator:
    """A generator that is a function of the run's seed and a text."""
    digest = hashlib.sha256(one_line(text).encode("utf-8", "surrogatepass")).digest()
    return np.random.default_rng([seed, *digest])


def nearest(query: np.ndarray, features: np.ndarray, allowed: np.ndarray, shots: int) -> np.ndarray:
    """Row numbers of the ``shots`` allowed rows with the highest cosine to ``query``, the nearest last: beside the text.

    Args:
        query: float ``[d]``.
        features: float ``[N, d]``.
        allowed: bool ``[N]``, the rows to choose from.
        shots: how many; all where there are fewer.

    >>> nearest(np.array([1.0, 0.0]), np.array([[0.0, 1.0], [2.0, 0.1], [1.0, 1.0], [1.0, 0.0]]), np.array([True, True, True, False]), 2)
    array([2, 1])
    """
    lengths = np.linalg.norm(features, axis=1) * np.linalg.norm(query)
    cosine = np.where(allowed, features @ query / np.maximum(lengths, 1e-12), -np.inf)
    return np.argsort(-cosine, kind="stable")[: min(shots, int(allowed.sum()))][::-1]
