"""Measure the sets of labels that texts have: their sizes, and the labels that go together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fecbench.data.datasets.rows import targets_of

if TYPE_CHECKING:
    from fecbench.data.datasets.dataset import EmotionData

MOST_PAIRS = 5


def label_set_statistics(data: EmotionData) -> dict[str, Any]:
    """Return statistics of the training rows' sets of labels.

    - ``mean``: labels of a row on average.
    - ``rows``: number of rows by their number of labels.
    - ``distinct``: number of different sets.
    - ``together``: the pairs of labels that go together most, by ``n_ab / sqrt(n_a n_b)`` of their rows; at most five.
    """
    targets = targets_of(data.splits["train"], len(data.labels)) > 0
    sizes, rows = np.unique(targets.sum(1), return_counts=True)
    return {
        "mean": round(float(targets.sum(1).mean()), 4),
        "rows": dict(zip(map(str, sizes.tolist()), rows.tolist(), strict=True)),
        "distinct": len(np.unique(targets, axis=0)),
        "together": _strongest_pairs(targets, data.labels),
    }


def _strongest_pairs(targets: np.ndarray, labels: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return the pairs of labels that go together most, of bool targets ``[N, C]``."""
    both = targets.T.astype(float) @ targets
    own = np.sqrt(np.outer(both.diagonal(), both.diagonal()))
    strength = np.triu(both / np.maximum(own, 1), 1)
    strongest = np.argsort(-strength, axis=None, kind="stable")[:MOST_PAIRS]
    pairs = [divmod(int(cell), len(labels)) for cell in strongest if strength.flat[cell] > 0]
    return [
        {"labels": [labels[a], labels[b]], "rows": int(both[a, b]), "share": round(float(strength[a, b]), 4)}
        for a, b in pairs
    ]
