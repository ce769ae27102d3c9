"""One label for each text with several: the one that is rarest among the training rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fecbench.data.datasets.rows import class_counts, targets_of
from fecbench.training.scoring import HALF

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fecbench.data.datasets.dataset import EmotionData


def rarest_labels(data: EmotionData, split: str, names: Sequence[str]) -> np.ndarray:
    """Return the rarest label of each row of a split, int ``[N]``, as an index into ``names``; -1 if it has none.

    The commoner labels of a text, such as neutral, say less about it. Of shares of labels, those above a half count.

    Args:
        data: the data set.
        split: the split.
        names: the labels to choose from.
    """
    chosen = [data.labels.index(name) for name in names]
    has_label = (targets_of(data.labelled(split), len(data.labels)) > HALF)[:, chosen]
    return rarest_of(has_label, class_counts(data.splits["train"], len(data.labels))[chosen])


def rarest_of(has_label: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the label with the least count of each row, int ``[N]``, the first of equals; -1 for a row without labels.

    Args:
        has_label: bool ``[N, C]``.
        counts: int ``[C]``.

    >>> rarest_of(np.array([[True, True], [True, False], [False, False]]), np.array([5, 2])).tolist()
    [1, 0, -1]
    """
    rarest = np.where(has_label, counts, np.iinfo(np.int64).max).argmin(1)
    return np.where(has_label.any(1), rarest, -1)
