"""Join the rows of several raters of a text to one text with the share of raters for each label."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fecbench.core.errors import DataError
from fecbench.data.datasets.measures.digests import digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fecbench.data.datasets.own.row_reader import OwnRow


Shares = dict[int, float]
"""The share of each class of a text, by number."""


class RatedTexts:
    """The texts of rows that have a rater each, numbered in the order of their first rows."""

    def __init__(self) -> None:
        self._texts: dict[str, tuple[int, int, str]] = {}
        self._rated: set[tuple[int, str]] = set()

    def number(self, position: str, row: OwnRow) -> tuple[int, bool]:
        """Return the number of a row's text, and True if the text is new.

        Raises:
            DataError: rows of one id have different texts, or a rater has two rows of a text.
        """
        content, id_ = digest(row.texts["text"]), row.texts["id"]
        is_new = id_ not in self._texts
        number, known, first = self._texts.setdefault(id_, (len(self._texts), content, position))
        if content != known:
            raise DataError(
                f"{position}: rows of one id must have the same text, but the id {id_!r} has another one in {first}; "
                "correct --id-column (id under [columns]) or the rows"
            )
        if (number, row.rater) in self._rated:
            raise DataError(
                f"{position}: each rater must have one row of a text, but {row.rater!r} has rated the text {id_!r} "
                "before; correct --rater-column (rater under [columns]) or remove a row"
            )
        self._rated.add((number, row.rater))
        return number, is_new


def pooled(rows: Iterable[Mapping[int, float] | None], texts: Iterable[int], count: int) -> list[Shares | None]:
    """Return the mean shares of each text's rows.

    >>> pooled([{0: 1.0}, {0: 1.0, 2: 1.0}, None, {}], [0, 0, 1, 0], 2)
    [{0: 0.6666666666666666, 2: 0.3333333333333333}, None]

    Args:
        rows: shares of the classes in each row; None if the row is left out.
        texts: number of each row's text.
        count: number of texts.

    Returns:
        For each text, the mean over its rows; None if all of them are left out.
    """
    sums: list[Shares] = [{} for _ in range(count)]
    raters = [0] * count
    for shares, text in zip(rows, texts, strict=True):
        if shares is not None:
            raters[text] += 1
            for number, share in shares.items():
                sums[text][number] = sums[text].get(number, 0.0) + share
    return [
        {number: total / rated for number, total in sorted(found.items())} if rated else None
        for found, rated in zip(sums, raters, strict=True)
    ]
