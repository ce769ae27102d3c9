"""The scores that the AML paper reports in its Table 2, from a data file that names the source."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from fecbench.results.leaderboard.assemble import TableRows
from fecbench.results.leaderboard.board import Cell, DatasetVersion, Row, Score

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fecbench.results.leaderboard.board import Table


FILE = "paper_table.toml"
METHOD = "AML (ours)"


@cache
def published() -> Table:
    """Return the paper's Table 2: fifteen methods on ED and GE, with means and standard deviations as printed.

    Its rows are ranked among themselves. The Δ row is computed from the printed figures, as in the paper.
    """
    content = tomllib.loads(files("fecbench.results.leaderboard").joinpath(FILE).read_text(encoding="utf-8"))
    datasets = tuple(
        DatasetVersion(about["name"], about["title"], "", about["revision"]) for about in content["datasets"]
    )
    rows = tuple(_row(about, datasets) for about in content["rows"])
    revisions = tuple(f"{version.name} ({version.title}): {version.revision}" for version in datasets)
    notes = (*content["notes"], *revisions)
    return TableRows(content["title"], datasets, rows, True, METHOD, notes, tested=False).table()


def _row(about: Mapping[str, Any], datasets: Sequence[DatasetVersion]) -> Row:
    notes, settings = about.get("footnotes", {}), {"encoder": about["encoder"]}
    cells = (Cell(_scores(about[version.name]), settings, footnote=notes.get(version.name, "")) for version in datasets)
    return Row(about["name"], "", tuple(cells))


def _scores(printed: Mapping[str, Sequence[float]]) -> dict[str, Score]:
    """Return the scores from printed percentages ``[mean, std]`` or ``[mean]``."""
    # Rounded, because a division by 100 often misses the nearest float, and CSV and JSON print scores in full.
    fractions = {metric: [round(value / 100, 6) for value in values] for metric, values in printed.items()}
    return {metric: Score(mean, spread[0] if spread else None) for metric, (mean, *spread) in fractions.items()}
