"""Find the units of rows that stay in one split: rows with equal texts, and rows of one group."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fecbench.data.datasets.measures.digests import digest, folded
from fecbench.data.datasets.rows import chunks

if TYPE_CHECKING:
    from collections.abc import Iterable

    from datasets import Dataset


GROUP = "group"  # column of groups, such as dialogues or authors; the rows of a group stay in one split


def is_grouped(rows: Dataset) -> bool:
    """Return True if the rows name groups."""
    return GROUP in rows.column_names


def units_of(rows: Dataset) -> np.ndarray:
    """Return for each row the number of the first row of its unit, int64 ``[N]``; texts stay on the disk.

    Rows are of one unit if their texts differ only in case and white space, or if they are of one group, also by way
    of other rows. A row whose group is blank is of no group.
    """
    # Digests, not texts: rows are mapped from the disk, and a set of all texts would fill the memory after all.
    texts = _first_rows(digest(folded(text)) for part in chunks(rows["text"]) for text in part)
    return _united(texts, _groups(rows)) if is_grouped(rows) else texts


def _groups(rows: Dataset) -> np.ndarray:
    """Return for each row the number of the first row of its group, int64 ``[N]``."""
    blank = digest("")
    digests = np.fromiter(
        (digest(group.strip()) for part in chunks(rows[GROUP]) for group in part), np.uint64, len(rows)
    )
    return np.where(digests == blank, np.arange(len(rows)), _first_rows(digests))


def _united(texts: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return for each row the number of the first row that texts and groups connect it with, int64 ``[N]``."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    rows = np.arange(len(texts))
    edges = np.concatenate([rows, rows]), np.concatenate([texts, groups])
    links = coo_array((np.ones(2 * len(rows), np.int8), edges), (len(rows), len(rows)))
    return _first_rows(connected_components(links, directed=False)[1])


def _first_rows(values: np.ndarray | Iterable[int]) -> np.ndarray:
    """Return for each row the number of the first row with the same value, int64 ``[N]``."""
    given = values if isinstance(values, np.ndarray) else np.fromiter(values, np.uint64)
    _, first, same = np.unique(given, return_index=True, return_inverse=True)
    return first[same]
