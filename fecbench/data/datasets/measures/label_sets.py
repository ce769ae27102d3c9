"""Measure the sets of labels that texts have: their sizes, the labels that go together, the entropy of shares."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fecbench.data.datasets.measures.set_numbers import number_sets
from fecbench.data.datasets.rows import values

if TYPE_CHECKING:
    from datasets import Dataset

    from fecbench.data.datasets.dataset import EmotionData, Labelling

SHOWN = 5  # pairs of labels, and sets, that are shown


class Pair(NamedTuple):
    """Two labels that go together: the rows with both, and ``n_ab / sqrt(n_a n_b)`` of their rows."""

    labels: tuple[str, str]
    rows: int
    strength: float


class FrequentSet(NamedTuple):
    """A set of labels and its rows."""

    labels: tuple[str, ...]
    rows: int


@dataclass(frozen=True)
class LabelSets:
    """The different sets of labels of the training rows.

    Attributes:
        labels: the ``C`` label names.
        members: bool ``[S, C]``, the labels of each set.
        rows: int64 ``[S]``, training rows with each set.
        entropy: mean entropy of a row's shares in nats, the least negative log-likelihood that a model can have; None
            if labels are whole.
    """

    labels: tuple[str, ...]
    members: np.ndarray
    rows: np.ndarray
    entropy: float | None = None

    @property
    def mean(self) -> float:
        """Labels of a row on average."""
        return float(self.members.sum(1) @ self.rows / self.rows.sum())

    @property
    def sizes(self) -> dict[int, int]:
        """The number of rows by their number of labels."""
        rows = np.bincount(self.members.sum(1), self.rows).astype(int)
        return {int(size): int(rows[size]) for size in np.flatnonzero(rows)}

    def together(self) -> list[Pair]:
        """Return the pairs of labels that go together most, by their strength."""
        both = self.members.T.astype(float) @ (self.members * self.rows[:, None])
        own = np.sqrt(np.outer(both.diagonal(), both.diagonal()))
        strength = np.triu(both / np.maximum(own, 1), 1)
        strongest = np.argsort(-strength, axis=None, kind="stable")[:SHOWN]
        pairs = [divmod(int(cell), len(self.labels)) for cell in strongest if strength.flat[cell] > 0]
        return [Pair((self.labels[a], self.labels[b]), int(both[a, b]), float(strength[a, b])) for a, b in pairs]

    def frequent(self) -> list[FrequentSet]:
        """Return the most frequent sets; of equally frequent ones the first in the file."""
        order = np.argsort(-self.rows, kind="stable")[:SHOWN]
        names = np.array(self.labels, object)
        return [FrequentSet(tuple(names[self.members[number]]), int(self.rows[number])) for number in order]

    def as_dict(self) -> dict[str, Any]:
        """Return the figures by name, as ``fecbench data stats --json`` prints them.

        - ``mean``: labels of a row on average.
        - ``rows``: number of rows by their number of labels.
        - ``distinct``: number of different sets.
        - ``frequent``: the most frequent sets; at most five.
        - ``together``: the pairs of labels that go together most; ``share`` is their strength; at most five.
        - ``entropy``: mean entropy of a row's shares in nats; None if labels are whole.
        """
        return {
            "mean": round(self.mean, 4),
            "rows": {str(size): rows for size, rows in self.sizes.items()},
            "distinct": len(self.rows),
            "frequent": [{"labels": list(labels), "rows": rows} for labels, rows in self.frequent()],
            "together": [
                {"labels": list(labels), "rows": rows, "share": round(strength, 4)}
                for labels, rows, strength in self.together()
            ],
            "entropy": None if self.entropy is None else round(self.entropy, 4),
        }


def label_sets(data: EmotionData) -> LabelSets | None:
    """Return the sets of labels of the training rows; None if each text has one label."""
    if data.one_label:
        return None
    train = data.splits["train"]
    numbers = number_sets({"train": train})
    members = np.zeros((len(numbers.sets), len(data.labels)), bool)
    for number, labels in enumerate(numbers.sets):
        members[number, list(labels)] = True
    entropy = mean_entropy(train, data.labelling) if data.info.soft else None
    return LabelSets(data.labels, members, np.bincount(numbers.by_split["train"]), entropy)


def mean_entropy(rows: Dataset, labelling: Labelling) -> float:
    """Return the mean entropy of the rows' shares of labels in nats.

    It is that of one distribution if labels exclude one another, else the sum of the entropies of the labels.
    """
    from scipy.special import entr

    shares = np.fromiter(chain.from_iterable(values(rows["weights"])), np.float64)
    entropies = entr(shares) + entr(1 - shares) if labelling == "multi" else entr(shares)
    return float(entropies.sum() / len(rows))
