"""Cuts the splits that a data set lacks from its training rows, stratified by label. Equal texts stay in one split."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from fecbench.core.errors import DataError
from fecbench.core.text import shortened
from fecbench.data.datasets.dataset import SPLITS, chunks, labels_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from datasets import Dataset


SHARE = 0.1


def cut_missing(splits: Mapping[str, Dataset], names: Sequence[str], seed: int, where: str) -> dict[str, Dataset]:
    """Return all three splits; those that were missing are cut from train, a tenth of each class, but one row at least.

    ``names`` are the labels' names by number.

    Rows whose texts differ in nothing but case and white space go to the same split, whatever their labels.

    Raises:
        DataError: a class has too few different training texts to be in every split.
    """
    missing = [split for split in SPLITS if split not in splits]
    if not missing:
        return dict(splits)
    train = splits["train"]
    labels, texts = labels_of(train), _numbered_texts(train)
    _check_texts(labels, texts, names, missing, where)
    part = _Cut(labels, texts, len(missing)).parts(seed)
    cut = {split: train.select(np.flatnonzero(part == number)) for number, split in enumerate(["train", *missing])}
    return {split: cut.get(split, splits.get(split)) for split in SPLITS}


def _check_texts(
    labels: np.ndarray, texts: np.ndarray, names: Sequence[str], missing: Sequence[str], where: str
) -> None:
    """Raise DataError where a class has too few different texts."""
    counts = {int(label): len(np.unique(texts[labels == label])) for label in np.unique(labels)}
    rare = [f"{names[label]!r} has {count}" for label, count in counts.items() if count <= len(missing)]
    if rare:
        cut = " and ".join(missing)
        raise DataError(
            f"{where}: to cut {cut} from train, every class needs training rows of at least {len(missing) + 1} different texts, but "
            f"{shortened(rare)}; add rows, or give {cut} files"
        )


def _numbered_texts(rows: Dataset) -> np.ndarray:
    """A number for each row's text, int64 ``[N]``, the same for equal texts: the first row that has it. The texts stay on the disk."""
    digests = (_digest(text) for part in chunks(rows["text"]) for text in part)
    _, first, same = np.unique(np.fromiter(digests, np.uint64, len(rows)), return_index=True, return_inverse=True)
    return first[same]


def _digest(text: str) -> int:
    """Eight bytes of a text's digest, without case and white space: a million texts share none but once in forty million cuts."""
    return int.from_bytes(blake2b(" ".join(text.casefold().split()).encode(), digest_size=8).digest())


class _Cut:
    """Assigns texts to parts, so that each held-out part gets a tenth of each class's rows, and every part has every class.

    The class with the fewest texts chooses first, since a text that stands under several labels takes all its rows along. A text isn't
    taken where another part would then lack one of its classes. (scikit-learn's StratifiedGroupKFold leaves out classes of a few rows,
    which long-tailed label sets have, and compares all folds for each text, which takes long for a million.)

    Attributes:
        labels: of each row, int64 ``[N]``.
        texts: of each row, the number of its text, int64 ``[N]``.
        part: of each text by its number, int8 ``[N]``; 0 is train.
        size: ``size[label]`` rows are wanted in each held-out part.
        held: ``held[part, label]`` rows are in a part.
        free: ``free[label]`` texts of a label are in train.
    """

    def __init__(self, labels: np.ndarray, texts: np.ndarray, held_out: int):
        self.labels, self.texts, self.held_out = labels, texts, held_out
        self.by_text = np.argsort(texts, kind="stable")
        self.bounds = np.searchsorted(texts, np.arange(len(texts) + 1), sorter=self.by_text)
        self.part = np.zeros(len(texts), np.int8)
        self.rows = np.bincount(labels)
        self.size = np.maximum(1, np.round(SHARE * self.rows)).astype(np.int64)
        self.held = np.zeros((held_out + 1, len(self.rows)), np.int64)
        self.free = np.bincount(np.unique(texts * len(self.rows) + labels) % len(self.rows), minlength=len(self.rows))

    def parts(self, seed: int) -> np.ndarray:
        """The part of each row, int8 ``[N]``."""
        generator = np.random.default_rng(seed)
        shuffled = {
            label: generator.permutation(np.flatnonzero(self.labels == label))
            for label in map(int, np.flatnonzero(self.rows))
        }
        for label in sorted(shuffled, key=lambda label: (self.free[label], label)):
            for part in range(1, self.held_out + 1):
                self._fill(part, label, self.texts[shuffled[label]])
        found: np.ndarray = self.part[self.texts]
        return found

    def _fill(self, part: int, label: int, texts: np.ndarray) -> None:
        """Move texts of ``label`` from train to ``part`` until that has its share; where none fits, the one with the fewest rows."""
        for text in texts:
            if self.held[part, label] >= self.size[label]:
                return
            found, counts = self._labels(text)
            if (self.held[part, found] + counts <= self.size[found]).all():
                self._move(text, part)
        if not self.held[part, label]:
            for text in sorted(texts, key=lambda text: self.bounds[text + 1] - self.bounds[text]):
                if self._move(text, part):
                    return

    def _labels(self, text: int) -> tuple[np.ndarray, np.ndarray]:
        """The labels under which a text stands, and in how many rows under each."""
        return np.unique(self.labels[self.by_text[self.bounds[text] : self.bounds[text + 1]]], return_counts=True)

    def _move(self, text: int, part: int) -> bool:
        """Move a text from train to ``part``, unless another part would lack a class then."""
        found, counts = self._labels(text)
        others = [other for other in range(1, self.held_out + 1) if other != part]
        lacking = 1 + (self.held[others][:, found] == 0).sum(axis=0)  # train is one of them
        if self.part[text] or (self.free[found] - 1 < lacking).any():
            return False
        self.part[text] = part
        self.free[found] -= 1
        self.held[part, found] += counts
        return True
