"""Counts of labels that are mistaken for one another where a text can have several."""

from __future__ import annotations

import numpy as np


def label_confusions(true: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Return counts of texts, int64 ``[C, C + 1]``, one row for each true label.

    - column b: the text has the label a, isn't given it, and is given b, which it hasn't;
    - column a itself: the text has the label a and is given it;
    - the last column: the text has the label a and is given no label at all.

    With one label a text these are the confusion matrix and the texts without an answer. With several, a text can
    count in several cells or in none.

    Args:
        true: bool ``[N, C]``, the labels of each text.
        given: bool ``[N, C]``, the labels given to it.

    >>> label_confusions(np.array([[1, 0, 1], [0, 1, 0]]) > 0, np.array([[1, 1, 0], [0, 0, 0]]) > 0).tolist()
    [[1, 0, 0, 0], [0, 0, 0, 1], [0, 1, 0, 0]]
    """
    missed, wrong = (true & ~given).astype(float), (given & ~true).astype(float)  # floats: BLAS has no integers
    counts = missed.T @ wrong
    np.fill_diagonal(counts, (true & given).sum(0))
    unanswered = true[~given.any(1)].sum(0)
    return np.column_stack([counts, unanswered]).astype(np.int64)
