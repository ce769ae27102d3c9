"""Check a loaded data set: its splits, its labels, and the checksums of the built-in sets."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fecbench.core.errors import DataError, PluginError
from fecbench.core.text import shortened
from fecbench.data.datasets.dataset import SPLITS, EmotionData
from fecbench.data.datasets.rows import class_counts, digest_rows, targets_of, values

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from datasets import Dataset

    from fecbench.data.datasets.dataset import Labelling


REPLACE = "put the original files back, or give yours as a path (--dataset path/to/folder)"
SUM_ROUNDING = 1e-4  # shares are float32
UNLABELLED_TEST = "the test split has no labels: its texts are predicted, but there are no test scores"


def check_splits(data: EmotionData, where: str) -> EmotionData:
    """Check that ``data`` can be trained on; return it with notes on classes missing from a split and numeric labels.

    Raises:
        DataError: there are fewer than two labels, a split is empty, or the training rows lack a class, or all have it.
    """
    if len(data.labels) < 2:
        raise DataError(f"{where}: at least two labels are needed, found {list(data.labels)}; check the label column")
    for name, rows in data.text_splits.items():
        if not len(rows):
            raise DataError(f"{where}: {name} must hold at least one row, but is empty; add rows")
    notes = [*data.notes, *_notes_on_missing_classes(data, where)]
    if data.unlabelled is not None:
        notes.append(UNLABELLED_TEST)
    if data.numeric_labels:
        notes.append(
            f"the labels are numbers ({shortened(data.numeric_labels)}): names under [labels] in dataset.toml can name "
            "them, or labels.txt in the data set's folder, one a line, if dataset.toml has no names"
        )
    return replace(data, notes=tuple(dict.fromkeys(notes)))  # each once: a loader may have called this already


def _notes_on_missing_classes(data: EmotionData, where: str) -> Iterator[str]:
    """Yield a note for each split without rows of some classes.

    Raises:
        DataError: the split is train.
    """
    for name, split in data.splits.items():
        counts = class_counts(split, len(data.labels))
        missing = [label for label, count in zip(data.labels, counts, strict=True) if not count]
        if missing and name == "train":
            raise DataError(
                f"{where}: train must hold every class, but has no row of {shortened(missing)}; add rows, or leave "
                "the class out (drop under [labels] in dataset.toml)"
            )
        if data.labelling == "multi":
            yield from _check_label_sets(split, name, data.labels, where)
        if missing:
            yield (
                f"{name} has no row of {shortened(missing)}: the class counts as 0 in macro F1 on {name}, and can only "
                "be predicted wrongly"
            )


def _check_label_sets(split: Dataset, name: str, labels: Sequence[str], where: str) -> list[str]:
    """Return a note on rows without a label.

    Raises:
        DataError: every training row has a certain label.
    """
    targets = targets_of(split, len(labels))
    everywhere = [label for label, least in zip(labels, targets.min(0), strict=True) if least == 1]
    if everywhere and name == "train":
        raise DataError(
            f"{where}: each label must be absent from a row of train, but all rows have {shortened(everywhere)}; add "
            "rows without it, or leave the label out"
        )
    empty = int((~targets.any(1)).sum())
    return [f"{empty:,} of {len(split):,} {name} rows have no label"] if empty else []


def check_loaded(data: object, who: str) -> EmotionData:
    """Check what the loader of a plugin returned, and return it with the notes of :func:`check_splits`.

    Raises:
        PluginError: it is not an EmotionData with three splits, or a row is not a text with the number of a
            label.
        DataError: it can't be trained on.
    """
    if not isinstance(data, EmotionData):
        raise _wrong(who, "give a fecbench.EmotionData", f"gave {type(data).__name__}")
    # Not text_splits, in which a split of another name, or a second test split, would not show.
    if sorted([*data.splits, *([] if data.unlabelled is None else ["test"])]) != sorted(SPLITS):
        raise _wrong(who, f"give the splits {', '.join(SPLITS)}", f"gave {shortened(sorted(data.splits))}")
    if len(set(data.labels)) < len(data.labels) or not all(isinstance(label, str) and label for label in data.labels):
        raise _wrong(who, "name each label once", f"named {shortened([repr(label) for label in data.labels])}")
    needed = ["text", *_label_columns(data)]
    for name, split in data.splits.items():
        lacking = sorted(set(needed) - set(split.column_names))
        if lacking:
            raise _wrong(who, f"give {' and '.join(needed)}", f"{name} lacks {', '.join(lacking)}")
        odd = sorted({"label", "labels", "weights"} & set(split.column_names) - set(needed))
        if odd:
            raise _wrong(who, f"give {' and '.join(needed)} alone", f"{name} has {', '.join(odd)} too")
        if data.one_label:
            _check_rows(split, name, len(data.labels), who)
        else:
            _check_texts(split, name, who)
            _check_sets(split, name, data, who)
    if data.unlabelled is not None:
        if "text" not in data.unlabelled.column_names:
            raise _wrong(who, "give texts", "test lacks text")
        _check_texts(data.unlabelled, "test", who)
    return check_splits(data, who)


def _label_columns(data: EmotionData) -> list[str]:
    """Return the columns that hold the labels of the data set's rows."""
    if data.one_label:
        return ["label"]
    return ["labels", "weights"] if data.info.soft else ["labels"]


def _check_sets(split: Dataset, name: str, data: EmotionData, who: str) -> None:
    """Raise PluginError unless every row has a list of different label numbers, and shares for them if it is soft."""
    classes, soft = len(data.labels), data.info.soft
    weights = split["weights"][:] if soft else [None] * len(split)
    for number, (labels, shares) in enumerate(zip(split["labels"][:], weights, strict=True)):
        are_labels = (
            isinstance(labels, list)
            and all(type(label) is int and 0 <= label < classes for label in labels)
            and len(set(labels)) == len(labels)
        )
        if not are_labels or (soft and not _are_shares(labels, shares, data.labelling)):
            found = f"row {number} of {name} has {labels!r}" + (f" with the weights {shares!r}" if soft else "")
            wanted = "lists of different labels" + (" with a weight above 0 and up to 1 for each" if soft else "")
            raise _wrong(who, f"give {wanted}, numbered 0 to {classes - 1}", found)


def _are_shares(labels: Sequence[int], shares: object, labelling: Labelling) -> bool:
    """Return True if ``shares`` has a number for each label; those of labels that exclude one another add up to 1."""
    if not isinstance(shares, list) or len(shares) != len(labels):
        return False
    in_range = all(isinstance(share, float) and 0 < share <= 1 for share in shares)
    return in_range and (labelling == "multi" or abs(sum(shares) - 1) < SUM_ROUNDING)


def _check_rows(split: Dataset, name: str, labels: int, who: str) -> None:
    """Raise PluginError unless every row has a text that is not blank and a label from 0 to ``labels`` - 1."""
    for number, (text, label) in enumerate(zip(values(split["text"]), values(split["label"]), strict=True)):
        is_text = isinstance(text, str) and text.strip()
        is_label = type(label) is int and 0 <= label < labels  # not isinstance: a bool is no label
        if not (is_text and is_label):
            found = f"row {number} of {name} is {text!r} with label {label!r}"
            raise _wrong(who, f"give texts with labels 0 to {labels - 1}", found)


def _check_texts(split: Dataset, name: str, who: str) -> None:
    """Raise PluginError unless every row has a text that is not blank."""
    for number, text in enumerate(values(split["text"])):
        if not isinstance(text, str) or not text.strip():
            raise _wrong(who, "give texts", f"row {number} of {name} is {text!r}")


def _wrong(who: str, requirement: str, finding: str) -> PluginError:
    return PluginError(f"{who} must {requirement}, but {finding}; fix or uninstall the plugin")


class Pin(NamedTuple):
    """The expected number of rows of a split and their checksum (:func:`digest_rows`)."""

    rows: int
    sha256: str


def check_pinned(data: EmotionData, pins: Mapping[str, Pin], where: str) -> EmotionData:
    """Return ``data`` unchanged, or raise DataError if its rows are not the pinned ones.

    Raises:
        DataError: the number of rows of a split or their checksum differs.
    """
    for name, pin in pins.items():
        rows = data.splits[name]
        if len(rows) != pin.rows:
            raise DataError(
                f"{where}: the {name} split of {data.name} must have {pin.rows:,} rows, but has {len(rows):,}; "
                f"{REPLACE}"
            )
        if digest_rows(rows, data.labels) != pin.sha256:
            raise DataError(f"{where}: the {name} rows aren't those of {data.name} (their checksum differs); {REPLACE}")
    return data


def check_counts(
    data: EmotionData, rows: Mapping[str, int | Mapping[str, int]], classes: int | None, where: str, remedy: str
) -> EmotionData:
    """Return ``data`` unchanged, or raise DataError if it has other numbers of labels or rows than declared.

    Args:
        data: the data as loaded; splits that were cut from train count as train.
        rows: for each split that is declared, its number of rows, or that of each label; a row with several labels
            counts for each of them.
        classes: number of labels; None if it is not declared.
        where: location of the data set, for messages.
        remedy: what to do about a difference, for messages.

    Raises:
        DataError: a number differs.
    """
    if classes not in (None, len(data.labels)):
        raise DataError(f"{where}: {data.name} must have {classes} labels, but has {len(data.labels)}; {remedy}")
    for split in SPLITS:
        if split in rows and split in data.splits and split not in data.cut:
            difference = next(_differences(rows[split], data, split), "")
            if difference:
                raise DataError(f"{where}: the {split} split of {data.name} must have {difference}; {remedy}")
    texts = rows.get("test")
    if data.unlabelled is not None and isinstance(texts, int) and texts != len(data.unlabelled):
        found = f"{texts:,} rows, but has {len(data.unlabelled):,}"
        raise DataError(f"{where}: the test split of {data.name} must have {found}; {remedy}")
    return data


def _differences(declared: int | Mapping[str, int], data: EmotionData, split: str) -> Iterator[str]:
    """Yield the numbers of rows that a published split must have and doesn't, with those that it has."""
    rows = sum(len(data.splits[part]) for part in _published_as(data, split))
    if isinstance(declared, int):
        if declared != rows:
            yield f"{declared:,} rows, but has {rows:,}"
        return
    total = sum(declared.values())
    if data.one_label and total != rows:
        yield f"{total:,} rows, but has {rows:,}"
    found = _rows_by_label(data, split)
    for label, count in declared.items():
        if count != found[label]:
            yield f"{count:,} rows of {label!r}, but has {found[label]:,}"


def _published_as(data: EmotionData, split: str) -> list[str]:
    """Return the splits that hold the rows of a published split; rows cut from train belong to train."""
    return [split, *data.cut] if split == "train" else [split]


def _rows_by_label(data: EmotionData, split: str) -> Counter[str]:
    """Return the number of rows of each label in a published split."""
    parts = _published_as(data, split)
    counts = np.sum([class_counts(data.splits[part], len(data.labels)) for part in parts], axis=0)
    return Counter(dict(zip(data.labels, map(int, counts), strict=True)))
