"""Read numbers of labels, which are shares or raters' votes: from a mapping, or from a column for each label."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fecbench.core.errors import DataError
from fecbench.data.datasets.files.raw_rows import cell_text
from fecbench.data.datasets.labels.label_sets import INDICATORS, OFF

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fecbench.data.datasets.dataset import Labelling


EXACT = 1e-4  # difference to 1 of shares that are kept as they are, which float32 can cause
ROUNDED = 0.02  # difference to 1 of shares with two digits, such as .33, .33 and .33
SMALLEST = 2**-149  # a smaller number is 0 in float32
LARGEST = 10**9


def label_of_mapping(position: str, pairs: Iterable[tuple[Any, Any]]) -> str:
    """Return the numbers of labels as JSON, without the labels whose number is 0 in float32 or missing.

    >>> label_of_mapping("row 1", [("joy", 2), ("love", 0), ("fear", None)])
    '{"joy": 2}'

    Raises:
        DataError: a label has no name or occurs twice, or its number is negative, too large or not a number.
    """
    numbers: dict[str, float] = {}
    for label, number in pairs:
        name = str(label).strip()
        is_number = number is None or (isinstance(number, int | float) and not isinstance(number, bool))
        if not (name and is_number and 0 <= (number or 0) <= LARGEST):
            raise DataError(
                f"{position}: the numbers of labels must be votes or shares, 0 or more, but {label!r} has "
                f"{number!r:.50}; correct them"
            )
        if name in numbers:
            raise DataError(f"{position}: each label must have one number, but {name!r} has several; remove one")
        numbers[name] = number or 0
    return json.dumps({name: number for name, number in numbers.items() if number >= SMALLEST}, ensure_ascii=False)


def label_of_numbers(
    position: str, cells: Mapping[str, Any], columns: Sequence[str], names: Sequence[str], votes: bool
) -> str:
    """Return the labels of a row with a column of numbers for each label.

    Args:
        position: position of the row, for messages.
        cells: cells of the row by column.
        columns: columns of the labels.
        names: names of these labels.
        votes: True if numbers are votes, so that 1 is one vote.

    Returns:
        A JSON list of the labels that are 1 if all numbers are 0 or 1 and no votes, else a JSON mapping; "" if all
        cells are empty.

    Raises:
        DataError: a cell is neither a number that is 0 or more, nor true or false.
    """
    written = [cell_text(cells.get(column)).lower() for column in columns]
    if not any(written):
        return ""
    if not votes and INDICATORS.issuperset(written):
        on = [name for name, cell in zip(names, written, strict=True) if cell not in OFF]
        return json.dumps(on, ensure_ascii=False)
    numbers = [_number(position, column, cell) for column, cell in zip(columns, written, strict=True)]
    return label_of_mapping(position, zip(names, numbers, strict=True))


def _number(position: str, column: str, cell: str) -> float:
    try:
        return {"true": 1, "false": 0}[cell] if cell in INDICATORS and cell.isalpha() else float(cell)
    except ValueError:
        raise DataError(
            f"{position}: the column {column!r} of a label must hold a number (1 and 0, shares or votes), found "
            f"{cell!r:.50}; correct it, or leave the column out of the columns of labels"
        ) from None


def shares_of(
    numbers: Mapping[str, float], labelling: Labelling, raters: int | None, position: str
) -> dict[str, float]:
    """Return the share of each label of a text.

    Labels that exclude one another share 1: votes are divided by their sum. Others are shares already, or votes, which
    are divided by the number of raters.

    >>> shares_of({"joy": 3, "love": 1}, "single", None, "row 1")
    {'joy': 0.75, 'love': 0.25}
    >>> shares_of({"joy": 3, "love": 1}, "multi", 4, "row 1"), shares_of({"joy": 0.7}, "multi", None, "row 1")
    ({'joy': 0.75, 'love': 0.25}, {'joy': 0.7})

    Raises:
        DataError: shares are above 1 or don't add up to 1, or votes are more than the raters, or not whole numbers.
    """
    if raters is not None and any(number != int(number) for number in numbers.values()):
        raise DataError(
            f"{position}: votes must be whole numbers, found {dict(numbers)}; correct them, or leave --raters (raters "
            "under [labels]) out if they are shares"
        )
    if labelling == "single":
        return _exclusive(numbers, raters, position)
    most = raters or 1 + EXACT
    if any(number > most for number in numbers.values()):
        remedy = (
            "correct them, or give a larger --raters" if raters else "give --raters N if they are votes of N raters"
        )
        what = f"votes of {raters} raters must be at most {raters}" if raters else "shares of labels must be at most 1"
        raise DataError(f"{position}: {what}, found {dict(numbers)}; {remedy} (raters under [labels] in dataset.toml)")
    return {label: number / raters if raters else min(float(number), 1.0) for label, number in numbers.items()}


def _exclusive(numbers: Mapping[str, float], raters: int | None, position: str) -> dict[str, float]:
    """Return shares that add up to 1, for labels that exclude one another."""
    total = sum(numbers.values())
    if raters is not None and numbers and total != raters:
        raise DataError(
            f"{position}: the votes of {raters} raters must add up to {raters}, but {dict(numbers)} are {total}; "
            "correct them, or leave --raters (raters under [labels]) out"
        )
    if abs(total - 1) <= EXACT:
        return {label: float(number) for label, number in numbers.items()}
    are_votes = all(number == int(number) for number in numbers.values())
    if not are_votes and abs(total - 1) > ROUNDED:
        raise DataError(
            f"{position}: shares of labels that exclude one another must add up to 1, but {dict(numbers)} are "
            f"{total:g}; correct them, or give --labelling multi if a text can have several labels"
        )
    return {label: number / total for label, number in numbers.items()}
