"""The facts that a description states about its data set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fecbench.data.datasets.dataset import DatasetInfo

if TYPE_CHECKING:
    from fecbench.data.datasets.description.schema import Description


UNKNOWN_LICENCE = "unknown"


def info_of(description: Description, name: str, untitled: str) -> DatasetInfo:
    """Return the facts for lists, records and cards.

    Only the rows tell the labelling if the description doesn't, and whether numbers in them are shares.

    Args:
        description: the description.
        name: name of the data set.
        untitled: title if the description has none.
    """
    return DatasetInfo(
        name,
        description.title or untitled,
        description.licence or UNKNOWN_LICENCE,
        description.homepage,
        note=description.note,
        language=description.language,
        citation=description.citation,
        metric=description.metric,
        display=description.display,
        labelling=description.labels.labelling or "single",
        background=tuple(description.labels.background),
        soft=description.columns.rater is not None or description.labels.raters is not None,
    )
