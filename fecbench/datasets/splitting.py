"""Cuts the splits that a data set lacks from its training rows, stratified by label."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fecbench.datasets.core import SPLITS, labels_of
from fecbench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datasets import Dataset

SHARE = 0.1


def cut_missing(splits: Mapping[str, Dataset], seed: int, where: str) -> dict[str, Dataset]:
    """All three splits; those that were missing are cut from train, a tenth of each class, but one row at least.

    Raises:
        DataError: a class has too few training rows to be in every split.
    """
    missing = [split for split in SPLITS if split not in splits]
    if not missing:
        return dict(splits)
    train = splits["train"]
    labels = labels_of(train)
    fewest = int(np.unique(labels, return_counts=True)[1].min())
    if fewest <= len(missing):
        raise DataError(
            f"{where}: to cut {' and '.join(missing)} from train, every class needs at least {len(missing) + 1} training rows, "
            f"but one has {fewest}; add rows of it, or give {' and '.join(missing)} files"
        )
    parts = _stratified(labels, len(missing), seed)
    cut = dict(zip(["train", *missing], (train.select(rows) for rows in parts), strict=True))
    return {split: cut.get(split, splits.get(split)) for split in SPLITS}


def _stratified(labels: np.ndarray, held_out: int, seed: int) -> list[np.ndarray]:
    """Row numbers, ascending, of what stays in train and of each held-out part.

    (scikit-learn's stratified splitters refuse or leave out classes of a few rows, which long-tailed label sets have.)
    """
    generator = np.random.default_rng(seed)
    parts: list[list[np.ndarray]] = [[] for _ in range(held_out + 1)]
    for label in np.unique(labels):
        rows = generator.permutation(np.flatnonzero(labels == label))
        size = max(1, round(SHARE * len(rows)))
        for part in range(held_out):
            parts[part + 1].append(rows[part * size : (part + 1) * size])
        parts[0].append(rows[held_out * size :])
    return [np.sort(np.concatenate(part)) for part in parts]
