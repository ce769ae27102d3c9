"""Charts of the lengths of texts: how many texts of each split have each length."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fecbench.results.page.charts import chart

if TYPE_CHECKING:
    from fecbench.data.datasets.measures.lengths import Lengths
    from fecbench.results.page.charts import Chart, Points


BINS = 40
SHOWN = 99  # percent of the texts that the axis reaches; a single long text would squeeze the others


def length_chart(lengths: Lengths) -> Chart | None:
    """Return the chart of the lengths of each split, up to the length that 99 % of all texts don't exceed."""
    every = lengths.all
    low, high = int(every.min()), int(np.percentile(every, SHOWN, method="higher"))
    width = -(-(high - low + 1) // BINS)
    edges = np.arange(low, high + width + 1, width)
    title = f"{lengths.unit.capitalize()} of a text, in % of the split’s texts"  # noqa: RUF001  the typographic sign
    curves = {split: _points(part, edges, width) for split, part in lengths.by_split.items() if len(part)}
    unit = lengths.unit if width == 1 else f"{lengths.unit}, in steps of {width}"
    return chart(title, unit, curves)


def _points(lengths: np.ndarray, edges: np.ndarray, width: int) -> Points:
    """Return the middle of each bin, and the share in percent of the texts in it."""
    counts = np.histogram(lengths, edges)[0]
    shares, middles = 100 * counts / len(lengths), edges[:-1] + (width - 1) / 2
    return list(zip(map(float, middles), map(float, shares), strict=True))
