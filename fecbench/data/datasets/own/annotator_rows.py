"""Recognise rows of annotations: a row for each text and label, where a text has several labels."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from fecbench.core.errors import DataError
from fecbench.core.text import shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


ANNOTATOR = re.compile(r"(annotator|coder|rater|worker)[\s_-]*\d+", re.IGNORECASE)
EXAMINED = 1000  # rows


def check_one_row_a_text(columns: Sequence[str], rows: Iterable[tuple[object, int]], where: str) -> None:
    """Raise DataError if there are columns of annotators, and most texts occur with several labels.

    Args:
        columns: names of the columns.
        rows: text and number of the label of each row.
        where: location of the rows, for messages.
    """
    annotators = [column for column in columns if ANNOTATOR.fullmatch(column)]
    if len(annotators) < 2:
        return
    labels: dict[object, set[int]] = {}
    for text, label in islice(rows, EXAMINED):
        labels.setdefault(text, set()).add(label)
    if 2 * sum(len(found) > 1 for found in labels.values()) > len(labels):
        raise DataError(
            f"{where} must have one row for each text, but most texts occur with several labels, and "
            f"{shortened(annotators)} hold what each annotator said of them; choose the rows that count by where "
            "under [columns] in dataset.toml, such as where = { majority_vote = 1 }, or write one label a text"
        )
