"""Cut missing splits from the training rows, stratified by label, with equal texts in the same split."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from fecbench.core.errors import DataError
from fecbench.core.text import shortened
from fecbench.data.datasets.dataset import SPLITS
from fecbench.data.datasets.splits.row_labels import RowLabels
from fecbench.data.datasets.splits.row_units import is_grouped
from fecbench.data.datasets.splits.stratification import stratified
from fecbench.data.datasets.splits.tenth_cut import SHARE, TenthCut

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from datasets import Dataset

    from fecbench.data.datasets.dataset import EmotionData


FEWEST_FOLDS = 2


@dataclass(frozen=True)
class SplitChoice:
    """The random choice of the rows of missing splits.

    Attributes:
        seed: seed of the choice.
        folds: number of folds of a cross-validation; None for a single cut.
        fold: number of the fold that is the test split, from 0.
        cut: False if missing splits stay missing, as the data set is published.
    """

    seed: int
    folds: int | None = None
    fold: int = 0
    cut: bool = True

    def missing(self, splits: Mapping[str, object], unlabelled: bool = False) -> tuple[str, ...]:
        """Return the names of the splits to cut. A test split without labels stands in for the test split."""
        if not self.cut:
            return ()
        given = {*splits, *(["test"] if unlabelled and self.folds is None else [])}
        return tuple(split for split in SPLITS if split not in given)

    def rows_needed(self, missing: Sequence[str]) -> int:
        """Return the number of training rows of different texts that every class needs, to be in every split."""
        if self.folds is None:
            return len(missing) + 1
        # The other folds must hold each class once for train and once for each further split to cut.
        return self.folds if self.folds > len(missing) else 2 * self.folds

    def remedy(self, missing: Sequence[str]) -> str:
        """Return what to do if a class has too few rows, for messages."""
        if self.folds is None:
            return f"give {self.words(missing)} files"
        if self.folds > FEWEST_FOLDS:
            return "lower --folds"
        return "give a validation file" if "validation" in missing else "give a test file instead of --folds"

    def words(self, missing: Sequence[str]) -> str:
        """Return what is cut, for messages.

        >>> SplitChoice(0).words(["validation", "test"]), SplitChoice(0, folds=5).words(["test"])
        ('validation and test', '5 folds')
        """
        if self.folds is None:
            return " and ".join(missing)
        return " and ".join([f"{self.folds} folds", *(split for split in missing if split != "test")])


def cut_missing(data: EmotionData, choice: SplitChoice, where: str) -> EmotionData:
    """Return ``data`` with the splits it lacks, cut from its training rows.

    Without folds, a missing split gets a tenth of each class's training rows, but at least one row. With folds, the
    test split is one of equal parts of the training rows, and the validation split, if missing, is cut from the others.
    Rows whose texts differ only in case and white space go to the same split, whatever their labels. So do rows with
    the same text in a column ``group``. A row with several labels is a row of each of these classes.

    Args:
        data: the splits that exist, train among them.
        choice: choice of the rows.
        where: location of the data set, for messages.

    Raises:
        DataError: a class has too few different training texts or groups to be in every split, or ``data`` has a test
            split although folds are wanted.
    """
    missing = choice.missing(data.splits, data.unlabelled is not None)
    if choice.folds is not None:
        check_foldable(missing, where)
        return _fold(data, choice, choice.folds, missing, where)
    if not missing:
        return data
    train = data.splits["train"]
    given = _checked_labels(train, choice, data.labels, missing, where)
    if is_grouped(train) or not data.one_label:
        # Cuts of one label a text stay as earlier versions made them.
        wanted, several = _tenths(given.labels, len(missing)), not data.one_label
        part = stratified(given.labels, given.units, wanted, choice.seed, proportional=several)
    else:
        part = TenthCut(given.labels, given.units, len(missing)).parts(choice.seed)
    part = given.of_rows(part)
    # Train is cut too, to what is left: a text in two splits would be learned and then scored.
    cut = {split: train.select(np.flatnonzero(part == number)) for number, split in enumerate(["train", *missing])}
    return _with_splits(data, cut)


def check_foldable(cut: Sequence[str], where: str) -> None:
    """Raise DataError unless the test split is among those that are ``cut`` from the training rows."""
    if "test" not in cut:
        raise DataError(
            f"{where}: --folds cuts test splits from the training rows, but this data set has a test split of its own; "
            "leave --folds out, or give the training file alone as --dataset"
        )


def _fold(data: EmotionData, choice: SplitChoice, folds: int, missing: Sequence[str], where: str) -> EmotionData:
    """Return ``data`` with one of ``folds`` parts of the training rows as the test split."""
    train = data.splits["train"]
    given = _checked_labels(train, choice, data.labels, missing, where)
    wanted = np.tile(np.bincount(given.labels) / folds, (folds, 1))
    part = stratified(given.labels, given.units, wanted, choice.seed)
    if "validation" in missing:
        _check_rest(given, part, data.labels, where)
    part = given.of_rows(part)
    notes = [f"{folds}-fold cross-validation: the test rows of each fold are cut from the training rows"]
    if "validation" not in missing:
        notes.append("the validation split is the same in every fold")
    if data.unlabelled is not None:
        notes.append("the test split without labels isn't used: the test rows are those of the folds")
    known = replace(data, unlabelled=None)
    whole = hashlib.sha256(known.fingerprint.encode() + part.tobytes()).hexdigest()
    is_test = part == choice.fold
    cut = {"train": train.select(np.flatnonzero(~is_test)), "test": train.select(np.flatnonzero(is_test))}
    folded = replace(_with_splits(known, cut), whole=whole, notes=(*data.notes, *notes))
    return cut_missing(folded, SplitChoice(choice.seed), where)


def _checked_labels(
    train: Dataset, choice: SplitChoice, names: Sequence[str], missing: Sequence[str], where: str
) -> RowLabels:
    """Return the labels of the training rows.

    Raises:
        DataError: a class has too few units to be in every split.
    """
    given = RowLabels.of(train, len(names))
    needed, what = choice.rows_needed(missing), "groups" if is_grouped(train) else "texts"
    if rare := _rare(given, names, needed):
        raise DataError(
            f"{where}: to cut {choice.words(missing)} from train, every class needs training rows of at least {needed} "
            f"different {what}, but {shortened(rare)}; add rows, or {choice.remedy(missing)}"
        )
    return given


def _check_rest(given: RowLabels, part: np.ndarray, names: Sequence[str], where: str) -> None:
    """Raise DataError if the training rows of a fold have too few units of a class to cut a validation split too."""
    for fold in np.unique(part):
        if rare := _rare(given.where(part != fold), names, 2):
            raise DataError(
                f"{where}: to cut a validation split in each fold, every class needs at least 2 different texts or "
                f"groups outside the fold, but outside fold {fold} {shortened(rare)}; add rows, or give a validation "
                "file"
            )


def _rare(given: RowLabels, names: Sequence[str], needed: int) -> list[str]:
    """Return the classes with fewer units than are ``needed``, each as ``'joy' has 1``."""
    present = np.unique(given.labels[given.labels < len(names)])  # rows without a label may be few
    counts = {int(label): given.units_of_label(label) for label in present}
    return [f"{names[label]!r} has {count}" for label, count in counts.items() if count < needed]


def _tenths(labels: np.ndarray, held_out: int) -> np.ndarray:
    """Return the wanted rows of train and of each held-out split by class, ``[1 + held_out, C]``."""
    rows = np.bincount(labels)
    tenth = np.where(rows, np.maximum(1, np.round(SHARE * rows)), 0)
    return np.stack([rows - held_out * tenth, *[tenth] * held_out])


def _with_splits(data: EmotionData, cut: Mapping[str, Dataset]) -> EmotionData:
    """Return ``data`` with the splits that were ``cut`` from its training rows."""
    known = {**data.splits, **cut}
    splits = {split: known[split] for split in SPLITS if split in known}
    names = {*data.cut, *cut} - {"train"}
    return replace(data, splits=splits, cut=tuple(split for split in SPLITS if split in names))
