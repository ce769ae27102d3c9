"""The facts that a description states about its data set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fecbench.data.datasets.dataset import DatasetInfo

if TYPE_CHECKING:
    from fecbench.data.datasets.description.schema import Description


UNKNOWN_LICENCE = "unknown"


def info_of(description: Description, name: str, untitled: str) -> DatasetInfo:
    """Return the facts for lists, records and cards.

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
    )
