"""The labels of a data set as they were written: one a row, of known names, told apart, and what must be said of them."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fecbench.core.errors import DataError
from fecbench.core.text import shortened
from fecbench.data.datasets.several_labels import holding_several, with_commas

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


ONE_LABEL = "the label must be one name or whole number"


@dataclass
class Met:
    """A label as written: its number in the order of meeting, where it stands first, and in how many rows."""

    number: int
    place: str
    rows: int = 0


def check_labelled(labels: Mapping[str, Met], rows: int, where: str) -> None:
    """Raises DataError where a row's label is empty, or every row's."""
    if "" not in labels:
        return
    none = labels[""]
    if none.rows == rows:
        raise DataError(
            f"{where} must have labels, since it is scored by them, but none of its {rows:,} rows has one; add them or remove it"
        )
    also = f" ({none.rows:,} rows have none)" if none.rows > 1 else ""
    raise DataError(f"{none.place}: {ONE_LABEL}, but there is none{also}; write one or remove the row")


def check_one_each(labels: Mapping[str, Met], names: Iterable[str] = ()) -> None:
    """Raises DataError where a cell holds several labels, or a list of them, and isn't one of ``names``."""
    several = holding_several(list(labels), names)
    if several:
        rows = sum(labels[cell].rows for cell in several)
        others = f", as do {shortened([repr(cell) for cell in several[1:]])}" if several[1:] else ""
        raise DataError(
            f"{labels[several[0]].place}: {ONE_LABEL}, but {several[0]!r} holds several labels or a list{others} ({rows:,} "
            f"row{'s' * (rows > 1)}); fecbench trains one label a row: write one in each of these rows or remove them. A class that is "
            "really called so must be named in labels.txt of the folder, which names every class, one a line"
        )


def check_known(labels: Mapping[str, Met], index: Mapping[str, int], named: bool) -> None:
    """Raises DataError where a label isn't in ``index``: the numbers and names of a file if ``named``, else the training labels."""
    unknown = {label: met for label, met in labels.items() if label not in index}
    check_one_each(unknown, index)
    for label, met in unknown.items():
        raise DataError(
            f"{met.place}: the label {label!r} isn't one of {shortened(list(index))}; {_correction(label, index, named)}"
        )


def _correction(label: str, index: Iterable[str], named: bool) -> str:
    twins = [known for known in index if known.casefold() == label.casefold()]
    if twins:
        return f"it differs from {twins[0]!r} in upper and lower case alone: write both alike"
    if named and label == "-1":
        return "-1 marks rows without a label: remove them"
    return "correct it, or add it to the names in labels.txt" if named else "correct it, or add training rows of it"


def check_from_zero(labels: Mapping[str, Met], names: Sequence[str]) -> None:
    """Raises DataError where labels are numbers from 1 on, while the number of the first of ``names`` is 0."""
    numbers = [label for label in labels if label.isascii() and label.isdecimal()]
    if (
        names
        and numbers
        and all(label.strip("0") for label in numbers)
        and not set(numbers) & set(names)
        and len(numbers) == len(labels)
    ):
        found = f"they go from {min(map(int, numbers))} to {max(map(int, numbers))}"
        raise DataError(
            f"{labels[numbers[0]].place}: labels that are numbers must count from 0, which is {names[0]!r} here, but no row has a 0 "
            f"({found}); where yours count from 1, subtract 1 from each, or write the names"
        )


def check_told_apart(labels: Iterable[str], where: str) -> None:
    """Raises DataError where two labels differ in what can't be seen: how an accent is written, or a character without width."""
    seen: dict[str, str] = {}
    for label in labels:
        shown = "".join(
            character for character in unicodedata.normalize("NFKC", label) if unicodedata.category(character) != "Cf"
        )
        if shown in seen:
            raise DataError(
                f"{where}: labels must look different, but {seen[shown]!a} and {label!a} don't; write them alike"
            )
        seen[shown] = label


def ordered(labels: Iterable[str]) -> tuple[str, ...]:
    """Whole numbers by value, names by alphabet."""
    labels = list(labels)
    numbers = all(label.isascii() and label.isdecimal() for label in labels)
    return tuple(
        sorted(labels, key=lambda label: (len(label.lstrip("0")), label.lstrip("0"), label))
        if numbers
        else sorted(labels)
    )


def label_notes(labels: Sequence[str], named: bool) -> list[str]:
    """What must be said of labels that may not be meant so; with ``named``, a file gives the names."""
    found = []
    if alike := _alike(labels):
        found.append(
            f"labels that differ in upper and lower case, spaces or hyphens alone are classes of their own: {shortened(alike)}"
        )
    if not named and (commas := with_commas(labels)):
        found.append(
            f"labels that hold a comma, semicolon or bar are read as one class each: {shortened([repr(label) for label in commas])}"
        )
    return found


def _alike(labels: Iterable[str]) -> list[str]:
    """Groups of labels that differ in case, white space, hyphens and underscores alone, each as ``joy / Joy``."""
    groups: dict[str, list[str]] = {}
    for label in labels:
        groups.setdefault(" ".join(label.casefold().replace("_", " ").replace("-", " ").split()), []).append(label)
    return [" / ".join(group) for group in groups.values() if len(group) > 1 and any(map(str.isalpha, "".join(group)))]
