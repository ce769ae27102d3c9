"""Cut a tenth of each class's rows into each missing split, with equal texts in the same split."""

from __future__ import annotations

import numpy as np

SHARE = 0.1  # of each class's rows, for each missing split


class TenthCut:
    """Assign texts to parts: each held-out part gets a tenth of each class's rows, and every part has every class.

    Classes are served in ascending order of their number of texts, since a text with several labels moves
    with all its rows. A text is not moved if another part would then lack one of its classes.

    scikit-learn's StratifiedGroupKFold is not used: it leaves out classes of a few rows, which long-tailed
    label sets have, and compares all folds for each text, which is slow for a million texts.

    Attributes:
        labels: int64 ``[N]``, label of each row.
        texts: int64 ``[N]``, number of each row's text.
        by_text: int64 ``[N]``, rows sorted by the number of their text.
        bounds: int64 ``[N + 1]``; text ``t`` has the rows ``by_text[bounds[t]:bounds[t + 1]]``.
        part: int8 ``[N]``, part of each text by its number; 0 is train.
        rows: ``rows[label]``, number of rows of each label.
        size: ``size[label]``, number of rows wanted in each held-out part.
        held: ``held[part, label]``, number of rows in each part.
        free: ``free[label]``, number of texts in train.
    """

    def __init__(self, labels: np.ndarray, texts: np.ndarray, held_out: int):
        self.labels, self.texts, self.held_out = labels, texts, held_out
        self.by_text = np.argsort(texts, kind="stable")
        self.bounds = np.searchsorted(texts, np.arange(len(texts) + 1), sorter=self.by_text)
        self.part = np.zeros(len(texts), np.int8)
        self.rows = np.bincount(labels)
        self.size = np.maximum(1, np.round(SHARE * self.rows)).astype(np.int64)
        self.held = np.zeros((held_out + 1, len(self.rows)), np.int64)
        # A text number and a label as one number, so that equal pairs count once.
        self.free = np.bincount(np.unique(texts * len(self.rows) + labels) % len(self.rows), minlength=len(self.rows))

    def parts(self, seed: int) -> np.ndarray:
        """Return the part of each row, int8 ``[N]``."""
        generator = np.random.default_rng(seed)
        shuffled = {
            label: generator.permutation(np.flatnonzero(self.labels == label))
            for label in map(int, np.flatnonzero(self.rows))
        }
        for label in sorted(shuffled, key=lambda label: (self.free[label], label)):
            for part in range(1, self.held_out + 1):
                self._fill(part, label, self.texts[shuffled[label]])
        part_of_row: np.ndarray = self.part[self.texts]
        return part_of_row

    def _fill(self, part: int, label: int, texts: np.ndarray) -> None:
        """Move texts of ``label`` from train to ``part`` until it has enough rows.

        If no text fits within the wanted sizes, the text with the fewest rows is moved.
        """
        for text in texts:
            if self.held[part, label] >= self.size[label]:
                return
            labels, counts = self._labels(text)
            # All labels of the text, not this one alone: its rows with other labels would overfill theirs.
            if (self.held[part, labels] + counts <= self.size[labels]).all():
                self._move(text, part)
        if not self.held[part, label]:
            for text in sorted(texts, key=lambda text: self.bounds[text + 1] - self.bounds[text]):
                if self._move(text, part):
                    return

    def _labels(self, text: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the labels of a text and the number of its rows with each label."""
        return np.unique(self.labels[self.by_text[self.bounds[text] : self.bounds[text + 1]]], return_counts=True)

    def _move(self, text: int, part: int) -> bool:
        """Move a text from train to ``part`` and return True; return False if another part would then lack a class."""
        labels, counts = self._labels(text)
        # ``part`` is left out: the text that moves there brings the label with it.
        others = [other for other in range(1, self.held_out + 1) if other != part]
        # texts of each label that train must keep: one for itself, and one for each other part that still has none
        needed = 1 + (self.held[others][:, labels] == 0).sum(axis=0)
        if self.part[text] or (self.free[labels] - 1 < needed).any():
            return False
        self.part[text] = part
        self.free[labels] -= 1
        self.held[part, labels] += counts
        return True
