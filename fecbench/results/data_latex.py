"""Write the rows and labels of data sets as a LaTeX table, like the AML paper's Table 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fecbench.data.datasets.dataset import SPLITS
from fecbench.results import latex
from fecbench.results.display_names import dataset_display

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fecbench.data.datasets.measures.statistics import Statistics


HEADS = ("Data set", "Train", "Validation", "Test", "Labels")
CAPTION = "Rows and labels of the data sets."


def data_table(statistics: Sequence[Statistics], caption: str = "", label: str = "") -> str:
    """Return a LaTeX file with a row for each data set: the rows of its splits, and its number of labels.

    If two data sets have one display name, such as two versions of one, all have their registered names.
    """
    names = [one.data.name for one in statistics]
    displayed = [dataset_display(name) for name in names]
    if len(set(displayed)) < len(set(names)):
        displayed = names
    body = [latex.line(HEADS), r"\midrule", *map(_row, displayed, statistics)]
    content = latex.table("lrrrr", body, latex.escape(caption or CAPTION), label=label)
    return f"{latex.head('Data sets')}\n\n{content}\n"


def _row(name: str, one: Statistics) -> str:
    rows = [_count(one.rows.get(split)) for split in SPLITS]
    return latex.line([latex.escape(name), *rows, str(len(one.data.labels))])


def _count(rows: int | None) -> str:
    """Return a number of rows as LaTeX, without space after the comma of thousands.

    >>> _count(17802), _count(None)
    ('17{,}802', '--')
    """
    return "--" if rows is None else f"{rows:,}".replace(",", "{,}")
