"""Check a loaded data set: splits, labels and the checksums of the built-in sets."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fecbench.core.errors import DataError, PluginError
from fecbench.core.text import shortened
from fecbench.data.datasets.dataset import SPLITS, EmotionData, digest_rows, labels_of

if TYPE_CHECKING:
    from collections.abc import Mapping


def check_splits(data: EmotionData, where: str) -> EmotionData:
    """``data``, once it can be trained on, with notes of classes that validation or test lacks and of labels that are numbers.

    Raises:
        DataError: fewer than two labels, an empty split, or training rows without one of the classes.
    """
    if len(data.labels) < 2:
        raise DataError(f"{where}: at least two labels are needed, found {list(data.labels)}; check the label column")
    notes = [*data.notes]
    for name, split in data.splits.items():
        if not len(split):
            raise DataError(f"{where}: {name} must hold at least one row, but is empty; add rows")
        counts = np.bincount(labels_of(split), minlength=len(data.labels))
        missing = [label for label, count in zip(data.labels, counts, strict=True) if not count]
        if missing and name == "train":
            raise DataError(
                f"{where}: train must hold every class, but has no row of {shortened(missing)}; add rows, or drop the class from all splits and "
                "labels.txt"
            )
        if missing:
            notes.append(
                f"{name} has no row of {shortened(missing)}: the class counts as 0 in macro F1 on {name}, and can only be predicted wrongly"
            )
    if data.nameless:
        notes.append(
            f"the labels are numbers ({shortened(data.nameless)}): labels.txt in the data set's folder can name them, one a line"
        )
    return replace(data, notes=tuple(dict.fromkeys(notes)))


def check_loaded(data: object, who: str) -> EmotionData:
    """``data`` itself, once it is what a loader must give.

    Raises:
        PluginError: it isn't an EmotionData of three splits, or a row isn't a text and the number of a label.
        DataError: it can't be trained on and scored.
    """
    if not isinstance(data, EmotionData):
        raise PluginError(
            f"{who} must give a fecbench.EmotionData, but gave {type(data).__name__}; mend or uninstall it"
        )
    if sorted(data.splits) != sorted(SPLITS):
        raise PluginError(
            f"{who} must give the splits {', '.join(SPLITS)}, but gave {shortened(sorted(data.splits))}; mend or uninstall it"
        )
    if len(set(data.labels)) < len(data.labels) or not all(isinstance(label, str) and label for label in data.labels):
        raise PluginError(
            f"{who} must name each label once, but named {shortened([repr(label) for label in data.labels])}; mend or uninstall it"
        )
    for name, split in data.splits.items():
        lacking = sorted({"text", "label"} - set(split.column_names))
        if lacking:
            raise PluginError(
                f"{who} must give text and label, but {name} lacks {', '.join(lacking)}; mend or uninstall it"
            )
        for number, (text, label) in enumerate(zip(split["text"][:], split["label"][:], strict=True)):
            if (
                not isinstance(text, str)
                or not text.strip()
                or type(label) is not int
                or not 0 <= label < len(data.labels)
            ):
                found = f"row {number} of {name} is {text!r} with label {label!r}"
                raise PluginError(
                    f"{who} must give texts with labels 0 to {len(data.labels) - 1}, but {found}; mend or uninstall it"
                )
    return check_splits(data, who)


class Pin(NamedTuple):
    """What a split of a named data set must be: its number of rows and their checksum (:func:`digest_rows`)."""

    rows: int
    sha256: str


def check_pinned(data: EmotionData, pins: Mapping[str, Pin], where: str) -> EmotionData:
    """``data`` itself, once its rows are the pinned ones.

    Raises:
        DataError: the number of rows or their checksum differs.
    """
    for name, pin in pins.items():
        rows = data.splits[name]
        if len(rows) != pin.rows:
            raise DataError(
                f"{where}: the {name} split of {data.name} has {pin.rows:,} rows, found {len(rows):,}; {_REPLACE}"
            )
        if digest_rows(rows, data.labels) != pin.sha256:
            raise DataError(
                f"{where}: the {name} rows aren't those of {data.name} (their checksum differs); {_REPLACE}"
            )
    return data


_REPLACE = "put the original files back, or give yours as a path (--dataset path/to/folder)"
