"""Deal units of rows out to parts, so that each part has its share of every class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csc_array, csr_array


def stratified(
    labels: np.ndarray, units: np.ndarray, wanted: np.ndarray, seed: int, *, proportional: bool = False
) -> np.ndarray:
    """Return the part of each row, int8 ``[N]``; rows of one unit are in one part.

    Iterative stratification (Sechidis, Tsoumakas and Vlahavas 2011), with units in place of examples: the class with
    the fewest units left is served first, and each of its units, the largest first, goes to the part that lacks most
    rows of the class. A part that would else be without a class comes before the others.

    For texts with several labels, pass an entry for each text and label; a text is then a unit, too. If the parts have
    different sizes, pass ``proportional``.

    scikit-learn's StratifiedGroupKFold is not used: it leaves out classes of a few rows, which long-tailed label sets
    have, and compares all folds for each row, which is slow for a million rows. The packages iterative-stratification
    and scikit-multilearn know no units, so they would part equal texts.

    Args:
        labels: int64 ``[N]``, class of each row.
        units: int64 ``[N]``, a number for each row, equal for the rows of a unit.
        wanted: ``[P, C]``, number of rows of each class in each part; the parts' numbers add up to that of all rows.
        seed: seed of the random choice.
        proportional: give units of several rows to all parts in proportion to ``wanted`` from the beginning. Otherwise
            the largest part is served until it lacks no more than the others, which then get few units of several rows.
    """
    dealing = _Dealing(labels, units, wanted, seed, proportional)
    dealing.deal_several_rows()
    dealing.deal_single_rows()
    part_of_row: np.ndarray = dealing.part[dealing.unit]
    return part_of_row


class _Dealing:
    """The state of a stratification.

    Attributes:
        labels: int64 ``[N]``, class of each row.
        unit: int64 ``[N]``, unit of each row, numbered from 0.
        sizes: int64 ``[U]``, number of rows of each unit.
        part: int8 ``[U]``, part of each unit.
        target: ``[P, C]``, number of rows that each part shall have.
        wanted: float64 ``[P, C]``, number of rows that each part still wants; negative if it has more.
        held: int64 ``[P, C]``, number of rows that each part has.
        left: int64 ``[C]``, number of units of each class that have no part yet.
    """

    def __init__(self, labels: np.ndarray, units: np.ndarray, wanted: np.ndarray, seed: int, proportional: bool):
        classes = wanted.shape[1]
        self.generator = np.random.default_rng(seed)
        self.labels = labels
        _, self.unit = np.unique(units, return_inverse=True)
        self.sizes = np.bincount(self.unit)
        self.part = np.zeros(len(self.sizes), np.int8)
        self.target, self.wanted = wanted, wanted.astype(np.float64)
        self.proportional = proportional
        self.held = np.zeros(wanted.shape, np.int64)
        # A unit and a class as one number, so that equal pairs count once.
        self.left = np.bincount(np.unique(self.unit * classes + labels) % classes, minlength=classes)

    def deal_several_rows(self) -> None:
        """Give each unit of several rows to a part, class by class."""
        counts = self._counts()
        of_class, waiting = counts.tocsc(), self.sizes > 1
        while True:
            units_left = np.array([waiting[self._units(of_class, label)].sum() for label in range(len(self.left))])
            if not units_left.any():
                return
            label = int(np.where(units_left, self.left, np.iinfo(np.int64).max).argmin())
            units = self.generator.permutation(self._units(of_class, label))
            units = units[waiting[units]]
            for unit in units[np.argsort(-self.sizes[units], kind="stable")]:
                bounds = slice(counts.indptr[unit], counts.indptr[unit + 1])
                self._place(unit, label, counts.indices[bounds], counts.data[bounds])
            waiting[units] = False

    def deal_single_rows(self) -> None:
        """Give the units of one row to the parts, all those of a class at once."""
        singles = self.generator.permutation(np.flatnonzero(self.sizes[self.unit] == 1))
        for label in np.unique(self.labels[singles]):
            rows = singles[self.labels[singles] == label]
            counts = self._shares(label, len(rows))
            self.part[self.unit[rows]] = np.repeat(np.arange(len(counts)), counts)
            self.wanted[:, label] -= counts
            self.held[:, label] += counts

    def _counts(self) -> csr_array:
        """Return the rows of each class in each unit of several rows, sparse int64 ``[U, C]``; others are empty."""
        from scipy.sparse import coo_array

        rows = np.flatnonzero(self.sizes[self.unit] > 1)
        ones, shape = np.ones(len(rows), np.int64), (len(self.sizes), len(self.left))
        return coo_array((ones, (self.unit[rows], self.labels[rows])), shape).tocsr()

    @staticmethod
    def _units(of_class: csc_array, label: int) -> np.ndarray:
        """Return the units of several rows that have rows of a class."""
        units: np.ndarray = of_class.indices[of_class.indptr[label] : of_class.indptr[label + 1]]
        return units

    def _place(self, unit: int, label: int, labels: np.ndarray, counts: np.ndarray) -> None:
        """Give a unit, which has ``counts`` rows of ``labels``, to the part that needs it most for ``label``."""
        lacks = self.held[:, labels] == 0
        last_chance = self.left[labels] <= lacks.sum(0)
        rescued = (lacks & last_chance).sum(1)
        part = np.lexsort((self.wanted.sum(1), *self._needs(label, labels, counts), rescued))[-1]
        self.part[unit] = part
        self.wanted[part, labels] -= counts
        self.held[part, labels] += counts
        self.left[labels] -= 1

    def _needs(self, label: int, labels: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return keys ``[P]`` of the parts' need of a unit with ``counts`` rows of ``labels``, the foremost key last.

        The key is the lack of rows of ``label``. For proportional parts it is Sainte-Laguë's quotient, by which seats
        are shared out, and the foremost key is whether the part lacks all rows of the unit.
        """
        if not self.proportional:
            return (self.wanted[:, label],)
        has_room = np.all(self.wanted[:, labels] >= counts, axis=1)
        return self.target[:, label] / (2 * self.held[:, label] + 1), has_room

    def _shares(self, label: int, rows: int) -> np.ndarray:
        """Return how many of ``rows`` single rows of a class each part gets, int64 ``[P]``."""
        first = np.flatnonzero(self.held[:, label] == 0)[:rows]
        shares = np.bincount(first, minlength=len(self.held))
        lacking = np.maximum(self.wanted[:, label] - shares, 0)
        exact = lacking * (rows - len(first)) / max(lacking.sum(), 1)
        shares += np.floor(exact).astype(np.int64)
        rest = rows - shares.sum()
        # The largest fractions are rounded up; of equal ones, those of the parts that lack most rows in all.
        upwards = np.lexsort((-self.wanted.sum(1), -(exact % 1)))[:rest]
        shares[upwards] += 1
        return shares
