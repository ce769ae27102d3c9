"""Check the labels of a user's data set as written: one a row, of known names, distinguishable."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

import regex  # `re` doesn't know properties of characters

from fecbench.core.errors import DataError
from fecbench.core.text import shortened
from fecbench.data.datasets.labels.several_labels import COMMA, with_commas

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


# formatting characters, variants of emojis and the grapheme joiner; but tags tell the flags of England and Scotland
INVISIBLE = regex.compile(r"(?V1)[[\p{Cf}\p{Variation_Selector}\u034f]--[\U000e0020-\U000e007f]]")
ONE_LABEL = "the label must be one name or whole number"


@dataclass
class WrittenLabel:
    """A label as written.

    Attributes:
        number: its number in order of occurrence.
        position: the position of its first row.
        rows: its number of rows.
        is_list: True if it is a list of labels, or numbers of labels, as JSON.
    """

    number: int
    position: str
    rows: int = 0
    is_list: bool = False


def check_labelled(labels: Mapping[str, WrittenLabel], rows: int, where: str) -> None:
    """Raise DataError if any of the ``rows`` rows has no label.

    ``labels`` are the cells without one: "", or an empty list.
    """
    if not labels:
        return
    first, count = next(iter(labels.values())), sum(label.rows for label in labels.values())
    if count == rows:
        raise DataError(
            f"{where} must have labels, since it is scored by them, but none of its {rows:,} rows has one; add them or "
            "remove it"
        )
    also = f" ({count:,} rows have none)" if count > 1 else ""
    raise DataError(
        f"{first.position}: {ONE_LABEL}, but the cell is empty{also}; write one, remove the row, or write none = "
        '"drop" under [labels] in dataset.toml, which leaves such rows out (or the name of a class that they form)'
    )


def refuse_several(labels: Mapping[str, WrittenLabel], several: Sequence[str]) -> None:
    """Raise DataError if there are cells that hold ``several`` labels."""
    if several:
        count = sum(labels[cell].rows for cell in several)
        rows = "1 row" if count == 1 else f"{count:,} rows"
        others = f", as do {shortened([repr(cell) for cell in several[1:]])}" if several[1:] else ""
        raise DataError(
            f"{labels[several[0]].position}: {ONE_LABEL}, but {several[0]!r} holds several labels or a list{others} "
            f"({rows}); {_advice_on_several(several[0], labels[several[0]])}"
        )


def _advice_on_several(cell: str, written: WrittenLabel) -> str:
    leave_out = 'several = "drop" under [labels] in dataset.toml leaves such rows out'
    if written.is_list:
        given = "--labelling multi (labelling under [labels] in dataset.toml)"
        return f"give {given} if a text can have several labels, else correct the rows; {leave_out}"
    found = re.search(COMMA, cell) or re.search(r"[^\w\s\[\](){}'\"]", cell)
    mark = found[0].strip() if found else " "
    return (
        f"if these are several labels, say so with --label-separator '{mark}'; if each is one, say so with "
        f"--label-separator ''; {leave_out}. In a file with both, a class that really has such a name must be named in "
        "labels.txt of the folder, which names every class, one a line"
    )


def refuse_unknown(labels: Mapping[str, WrittenLabel], known: Sequence[str], named: bool) -> None:
    """Raise DataError if there are ``labels`` that are of no class.

    ``known`` are the numbers and names of ``labels.txt`` or a schema if ``named``, else the training labels.
    """
    if labels:
        name, label = next(iter(labels.items()))
        raise DataError(
            f"{label.position}: the label {name!r} isn't one of {shortened(known)}; {_correction(name, known, named)}"
        )


def _correction(label: str, index: Iterable[str], named: bool) -> str:
    twins = [known for known in index if known.casefold() == label.casefold()]
    if twins:
        return (
            f"it differs from {twins[0]!r} in upper and lower case alone: write both alike, or join them with "
            "map under [labels] in dataset.toml"
        )
    if named and label == "-1":
        return '-1 marks rows without a label: remove them, or write drop = ["-1"] under [labels] in dataset.toml'
    if named and label == "0" and "1" in index:
        return (
            "the numbers of the names begin with 1 here: leave out first under [labels] in dataset.toml, or number the "
            "names from 0"
        )
    add = (
        "add it to the names (under [labels] in dataset.toml, or in labels.txt)" if named else "add training rows of it"
    )
    return f'correct it, {add}, or leave out its rows with drop = ["{label}"] under [labels] in dataset.toml'


def check_first_number(labels: Mapping[str, WrittenLabel], names: Sequence[str], first: int) -> None:
    """Raise DataError if the labels are numbers that don't count from ``first``, as the numbers of ``names`` do."""
    numbers = [label for label in labels if _is_whole_number(label)]
    only_numbers = bool(numbers) and len(numbers) == len(labels)
    has_first = any((number.lstrip("0") or "0") == str(first) for number in numbers)
    numbers_are_names = bool(set(numbers) & set(names))
    if names and only_numbers and not has_first and not numbers_are_names:
        smallest, largest = (choose(numbers, key=_by_value).lstrip("0") for choose in (min, max))
        shift = "subtract 1 from each" if not first else f"count from {first} in the file"
        raise DataError(
            f"{labels[numbers[0]].position}: labels that are numbers must count from {first}, which is {names[0]!r} "
            f"here, but no row has a {first} (they go from {smallest} to {largest}); if yours count from {smallest}, "
            f"write first = {smallest} under [labels] in dataset.toml, {shift}, or write the names"
        )


def check_distinguishable(labels: Iterable[str], where: str) -> None:
    """Raise DataError if two labels look the same: they differ in an accent's encoding or an invisible character."""
    seen: dict[str, str] = {}
    for label in labels:
        visible = INVISIBLE.sub("", unicodedata.normalize("NFKC", label))
        if visible in seen:
            raise DataError(
                f"{where}: labels must look different, but {seen[visible]!a} and {label!a} don't; write them alike"
            )
        seen[visible] = label


def ordered(labels: Iterable[str]) -> tuple[str, ...]:
    """Sort labels: by value if all are whole numbers, else by alphabet.

    >>> ordered(["10", "9", "010"]), ordered(["joy", "9", "10"])
    (('9', '010', '10'), ('10', '9', 'joy'))
    """
    labels = list(labels)
    return tuple(sorted(labels, key=_by_value if all(map(_is_whole_number, labels)) else None))


def _is_whole_number(label: str) -> bool:
    return label.isascii() and label.isdecimal()


def _by_value(number: str) -> tuple[int, str, str]:
    """Return a sort key for the value of a whole number; ``int`` would refuse more than 4,300 digits."""
    digits = number.lstrip("0")
    return len(digits), digits, number


def label_notes(labels: Sequence[str], named: bool) -> list[str]:
    """Return notes on labels that are possibly mistaken; ``named`` is True if a file gives the names."""
    notes = []
    if alike := _alike(labels):
        notes.append(
            "labels that differ in upper and lower case, spaces or hyphens alone are classes of their own: "
            f"{shortened(alike)}"
        )
    if not named and (commas := with_commas(labels)):
        notes.append(
            "labels that hold a comma, semicolon or bar are read as one class each: "
            f"{shortened([repr(label) for label in commas])}"
        )
    return notes


def rows_note(counts: Mapping[str, int], what: str) -> list[str]:
    """Return a note on the number of rows in each split, with ``what`` is said of them; none if there are no rows.

    >>> rows_note({"train": 1200, "validation": 0, "test": 34}, "that have no label are left out")
    ['1,234 rows that have no label are left out (train 1,200, test 34)']
    """
    each = ", ".join(f"{split} {count:,}" for split, count in counts.items() if count)
    return [f"{sum(counts.values()):,} rows {what} ({each})"] if each else []


def _alike(labels: Iterable[str]) -> list[str]:
    """Return groups of labels that differ only in case, white space, hyphens and underscores, each as ``joy / Joy``."""
    groups: dict[str, list[str]] = {}
    for label in labels:
        groups.setdefault(" ".join(label.casefold().replace("_", " ").replace("-", " ").split()), []).append(label)
    # groups without a letter are numbers or marks, such as -1 and 1
    return [" / ".join(group) for group in groups.values() if len(group) > 1 and any(map(str.isalpha, "".join(group)))]
