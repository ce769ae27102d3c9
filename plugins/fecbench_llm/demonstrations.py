"""Choose the training rows shown as labelled examples: by seed, by seed and text, or by similarity to the text."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from fecbench_llm.parsing import NO_LABEL
from fecbench_llm.prompts import Demonstration, one_line


@dataclass(frozen=True)
class Pool:
    """Training rows that demonstrations are chosen from.

    Attributes:
        texts: texts of the rows.
        labels: labels of the rows, int ``[N]``.
        names: label names by index.
    """

    texts: Sequence[str]
    labels: np.ndarray
    names: tuple[str, ...]

    def shown(self, rows: Iterable[int]) -> list[Demonstration]:
        """Return ``rows`` as demonstrations."""
        return [Demonstration(self.texts[row], self.names[self.labels[row]]) for row in rows]

    def others(self, text: str) -> np.ndarray:
        """Return bool ``[N]``, False for rows that are ``text`` itself: its label must not be shown."""
        allowed = np.ones(len(self.labels), dtype=bool)
        allowed[self._rows[_same(text)]] = False
        return allowed

    @cached_property
    def _rows(self) -> defaultdict[str, list[int]]:
        rows = defaultdict(list)
        for row, text in enumerate(self.texts):
            rows[_same(text)].append(row)
        return rows


@dataclass(frozen=True)
class LabelSetPool(Pool):
    """Training rows with several labels. Demonstrations are drawn by each row's rarest label; C for a row without one.

    Attributes:
        targets: bool ``[N, C]``, the labels of the rows.
    """

    targets: np.ndarray = field(kw_only=True)

    @classmethod
    def of(cls, texts: Sequence[str], targets: np.ndarray, names: tuple[str, ...]) -> LabelSetPool:
        """Return the pool of ``texts`` with the labels ``targets [N, C]``."""
        return cls(texts, rarest_labels(targets), names, targets=targets)

    def shown(self, rows: Iterable[int]) -> list[Demonstration]:
        """Return ``rows`` as demonstrations, whose labels are separated by commas."""
        named = ((row, [self.names[label] for label in np.flatnonzero(self.targets[row])]) for row in rows)
        return [Demonstration(self.texts[row], ", ".join(names) or NO_LABEL) for row, names in named]


def rarest_labels(targets: np.ndarray) -> np.ndarray:
    """Return the label of each row that fewest rows have, int ``[N]``; C for a row without labels.

    >>> rarest_labels(np.array([[1, 0], [1, 1], [0, 0]], dtype=bool)).tolist()
    [0, 1, 2]
    """
    counts = np.where(targets, targets.sum(0), len(targets) + 1)
    rarest: np.ndarray = np.where(targets.any(1), counts.argmin(1), targets.shape[1])
    return rarest


def _same(text: str) -> str:
    """Return a key by which texts are equal that differ only in case and white space."""
    return one_line(text).casefold()


def draw(labels: np.ndarray, allowed: np.ndarray, shots: int, generator: np.random.Generator) -> np.ndarray:
    """Draw the row numbers of ``shots`` examples, of different labels as long as possible.

    Args:
        labels: int ``[N]``, labels of the rows.
        allowed: bool ``[N]``, rows to choose from.
        shots: number of examples; all allowed rows if there are fewer.
        generator: source of randomness.

    >>> labels, allowed = np.array([0, 0, 1, 1, 2]), np.array([True, True, True, False, True])
    >>> rows = draw(labels, allowed, 4, np.random.default_rng(0))
    >>> sorted(rows.tolist()), sorted(labels[rows[:3]].tolist())
    ([0, 1, 2, 4], [0, 1, 2])
    """
    order = generator.permutation(np.flatnonzero(allowed))
    by_label = order[np.argsort(labels[order], kind="stable")]
    # Round of a row: number of rows of its label before it. Sorting by round takes one row of each label per round.
    rounds = np.concatenate([np.arange(count) for count in np.bincount(labels[by_label], minlength=1)])
    return by_label[np.lexsort((generator.random(len(by_label)), rounds))][:shots]


def generator_of(seed: int, text: str) -> np.random.Generator:
    """Return a random generator that depends on the run's seed and a text."""
    digest = hashlib.sha256(one_line(text).encode("utf-8", "surrogatepass")).digest()
    return np.random.default_rng([seed, *digest])


def nearest(query: np.ndarray, features: np.ndarray, allowed: np.ndarray, shots: int) -> np.ndarray:
    """Return the row numbers of the ``shots`` allowed rows with the highest cosine to ``query``, the nearest last.

    The nearest example then stands next to the text in the prompt.

    Args:
        query: float ``[d]``.
        features: float ``[N, d]``.
        allowed: bool ``[N]``, rows to choose from.
        shots: number of examples; all allowed rows if there are fewer.

    >>> features = np.array([[0.0, 1.0], [2.0, 0.1], [1.0, 1.0], [1.0, 0.0]])
    >>> nearest(np.array([1.0, 0.0]), features, np.array([True, True, True, False]), 2)
    array([2, 1])
    """
    lengths = np.linalg.norm(features, axis=1) * np.linalg.norm(query)
    cosine = np.where(allowed, features @ query / np.maximum(lengths, 1e-12), -np.inf)
    return np.argsort(-cosine, kind="stable")[: min(shots, int(allowed.sum()))][::-1]
