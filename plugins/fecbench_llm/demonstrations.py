"""Which training rows stand in a prompt as examples: a function of the seed, of the text, or of the distance to it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from fecbench_llm.prompts import one_line


def draw(labels: np.ndarray, shots: int, generator: np.random.Generator) -> np.ndarray:
    """Row numbers of ``shots`` examples, of different labels as long as there are any.

    Args:
        labels: int ``[N]``, labels of the rows to choose from.
        shots: how many; all rows where there are fewer.
        generator: makes the choice.

    >>> rows = draw(np.array([0, 0, 1, 1, 2]), 4, np.random.default_rng(0))
    >>> len(set(rows.tolist())), len(set(np.array([0, 0, 1, 1, 2])[rows[:3]].tolist()))
    (4, 3)
    """
    order = generator.permutation(len(labels))
    turn = np.zeros(len(labels), dtype=int)  # a row's turn: how many rows of its label come before it
    for label in np.unique(labels):
        mine = np.flatnonzero(labels[order] == label)
        turn[mine] = np.arange(len(mine))
    return order[np.argsort(turn, kind="stable")][:shots]


def generator_of(seed: int, text: str) -> np.random.Generator:
    """A generator that is a function of the run's seed and a text."""
    digest = hashlib.sha256(one_line(text).encode("utf-8", "surrogatepass")).digest()
    return np.random.default_rng([seed, *digest])


def nearest(query: np.ndarray, features: np.ndarray, allowed: np.ndarray, shots: int) -> np.ndarray:
    """Row numbers of the ``shots`` allowed rows with the highest cosine to ``query``, the nearest last: beside the text.

    Args:
        query: float ``[d]``.
        features: float ``[N, d]``.
        allowed: bool ``[N]``.
        shots: how many.

    >>> nearest(np.array([1.0, 0.0]), np.array([[0.0, 1.0], [2.0, 0.1], [1.0, 1.0], [1.0, 0.0]]), np.array([True, True, True, False]), 2)
    array([2, 1])
    """
    lengths = np.linalg.norm(features, axis=1) * np.linalg.norm(query)
    cosine = np.where(allowed, features @ query / np.maximum(lengths, 1e-12), -np.inf)
    best = np.argsort(-cosine, kind="stable")[: min(shots, int(allowed.sum()))]
    return best[::-1]


def same(text: str) -> str:
    """What two texts have in common that are the same in a prompt: words, whatever the case and the space between them."""
    return one_line(text).casefold()


def others(text: str, texts: Sequence[str]) -> np.ndarray:
    """Bool ``[N]``: which ``texts`` aren't ``text`` itself."""
    return np.array([same(other) != same(text) for other in texts], dtype=bool)
