"""Data sets whose texts have several labels, drawn at random."""

from collections.abc import Sequence

import numpy as np

from fecbench.data.datasets.dataset import DatasetInfo, EmotionData
from fecbench.data.datasets.rows import split_from_columns

RATES = (0.4, 0.25, 0.2, 0.1, 0.05, 0.03)
Row = tuple[str, list[int]]  # text, labels


def drawn(count: int = 1000, seed: int = 0) -> list[Row]:
    """Rows of six labels in falling numbers; some rows have none."""
    draws = np.random.default_rng(seed).random((count, len(RATES))) < RATES
    return [(f"text {number}", np.flatnonzero(row).tolist()) for number, row in enumerate(draws)]


def split_of(rows: Sequence[Row], **columns: list):
    """A split of these rows, with further columns, such as ``weights`` or ``group``."""
    return split_from_columns({"text": [text for text, _ in rows], "labels": [labels for _, labels in rows], **columns})


def data_of(splits: dict, labels: Sequence[str] | None = None, **info) -> EmotionData:
    """A data set of several labels a text with these splits."""
    about = DatasetInfo("several", "Made of sets", "CC0", "", **{"labelling": "multi", **info})
    return EmotionData(about, tuple(labels or (f"label {number}" for number in range(len(RATES)))), splits, "here")
