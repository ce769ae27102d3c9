"""A data set: texts and labels in three splits, with its description."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from fecbench.core.errors import DataError
from fecbench.data.datasets.rows import digest_rows, targets_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from datasets import Dataset


Labelling = Literal["single", "multi"]  # whether labels exclude one another
SPLITS = ("train", "validation", "test")
NUMERIC_LABEL = re.compile(r"(label|class|category)?[\s_-]*[-+]?\d+(\.\d+)?", re.IGNORECASE)


@dataclass(frozen=True)
class DatasetInfo:
    """The facts about a data set that are known without loading it.

    Attributes:
        name: name under which it is registered.
        title: description for lists.
        licence: licence of the data.
        homepage: address of the source.
        rows: numbers of rows in train, validation and test; empty if unknown.
        labels: number of labels; None if unknown.
        settings: run settings that the data set prefers.
        note: remark shown with every run.
        language: language of the texts, such as English or zh.
        citation: paper to cite.
        metric: metric that the field reports, such as ``micro_f1:without=neutral``; it is computed for every run.
        labelling: ``single`` if a text's labels exclude one another, ``multi`` if a text can have several.
        background: labels that say that a text has none of the others, such as neutral.
        soft: True if texts have shares of labels, such as the votes of raters.
        display: name in tables of papers, such as ``GoEmotions (GE)``; "" for the registered name.
    """

    name: str
    title: str
    licence: str
    homepage: str
    rows: tuple[int, ...] = ()
    labels: int | None = None
    settings: Mapping[str, object] = field(default_factory=dict)
    note: str = ""
    language: str = ""
    citation: str = ""
    metric: str = ""
    labelling: Labelling = "single"
    background: tuple[str, ...] = ()
    soft: bool = False
    display: str = ""

    @property
    def one_label(self) -> bool:
        """True if each text has exactly one label, so that a label is a number."""
        return self.labelling == "single" and not self.soft


@dataclass(frozen=True)
class EmotionData:
    """Texts and labels in three splits, or in two and a test split without labels.

    Attributes:
        info: description of the data set.
        labels: label names; a row's label is an index into them.
        splits: ``train``, ``validation`` and ``test``, each with the columns ``text`` (string) and ``label``
            (int64), and further text columns, such as ``aug_text``, ``id`` and ``group``, if the data set has them.
            In place of ``label``, texts with several labels have ``labels`` (list of int16), and texts with shares
            have ``labels`` and ``weights`` (list of float32).
        source: description of the location the rows were read from.
        descriptions: a short sentence for each label, if the data set has them.
        cut: names of the splits that the data set lacks and that were cut from its training rows.
        notes: remarks shown with every run on these rows.
        reading: how the rows of a recipe or of a user's own data set were read, as in `run.json`: files, columns,
            label map; empty for a built-in data set.
        unlabelled: the texts of a test split without labels, with the column ``text``, and perhaps ``id`` and
            ``group``; ``splits`` then lacks ``test``.
        whole: digest of the rows before a cut into folds, and of the fold of each row; equal for all folds of one
            cross-validation, and empty without folds.
    """

    info: DatasetInfo
    labels: tuple[str, ...]
    splits: Mapping[str, Dataset]
    source: str
    descriptions: Mapping[str, str] = field(default_factory=dict)
    cut: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    reading: Mapping[str, Any] = field(default_factory=dict)
    unlabelled: Dataset | None = None
    whole: str = ""

    @property
    def name(self) -> str:
        """The data set's name."""
        return self.info.name

    @property
    def labelling(self) -> Labelling:
        """``single`` if a text's labels exclude one another, else ``multi``."""
        return self.info.labelling

    @property
    def one_label(self) -> bool:
        """True if each text has exactly one label."""
        return self.info.one_label

    def check_one_label(self, what: str) -> None:
        """Check that each text has exactly one label, which ``what`` needs.

        Raises:
            DataError: texts have several labels, or shares of labels.
        """
        if not self.one_label:
            raise DataError(
                f"{what} needs one label a text, but {self.name} gives several; use runs on another data set"
            )

    def labelled(self, split: str) -> Dataset:
        """Return the rows of a split with labels.

        Raises:
            DataError: the split has no labels.
        """
        if split not in self.splits:
            raise DataError(
                f"the {split} split of {self.name} must have labels for this, but has none; choose --split validation"
            )
        return self.splits[split]

    def targets(self, split: str) -> np.ndarray:
        """Return the targets of a split, float32 ``[N, C]``: 1 at each label of a row, or its share, else 0.

        Raises:
            DataError: the split has no labels.
        """
        return targets_of(self.labelled(split), len(self.labels))

    @property
    def test_rows(self) -> Dataset:
        """The rows of the test split, with labels or without."""
        return self.splits["test"] if self.unlabelled is None else self.unlabelled

    @property
    def text_splits(self) -> dict[str, Dataset]:
        """The splits in the order of ``SPLITS``; a test split without labels is among them."""
        splits = {**self.splits, **({} if self.unlabelled is None else {"test": self.unlabelled})}
        return {split: splits[split] for split in SPLITS if split in splits}

    @property
    def columns(self) -> list[str]:
        """The columns of the training rows, from which batches are made; other splits may have only text and label."""
        return list(self.splits["train"].column_names)

    @property
    def label_texts(self) -> tuple[str, ...]:
        """The text of each label: ``name: description``, or the name alone if it has no description."""
        return tuple(
            f"{name}: {self.descriptions[name]}" if name in self.descriptions else name for name in self.labels
        )

    @property
    def numeric_labels(self) -> tuple[str, ...]:
        """The label texts that are numbers, such as ``3`` or ``LABEL_3``; methods that read labels can't use them."""
        return tuple(text for text in self.label_texts if NUMERIC_LABEL.fullmatch(text))

    @cached_property
    def fingerprint(self) -> str:
        """The SHA-256 of all columns of all splits, labels by name: equal if and only if the data are equal."""
        rows = {**self.splits, **({"unlabelled": self.unlabelled} if self.unlabelled is not None else {})}
        digests = {name: digest_rows(split, self.labels) for name, split in rows.items()}
        return hashlib.sha256("\n".join(f"{name} {digests[name]}" for name in sorted(digests)).encode()).hexdigest()
