"""Plot the scores of methods: each seed or fold as a dot, the mean with its 95 % interval."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from fecbench.core.errors import RunError, UsageError
from fecbench.core.text import printable
from fecbench.results.leaderboard.formats.row_names import names
from fecbench.results.leaderboard.statistics.significance import overlap
from fecbench.results.plots.marks import COLOURS
from fecbench.results.plots.saving import check_target, save
from fecbench.results.plots.style import COLUMN, PAGE, figure_style
from fecbench.results.plots.titles import add_caption
from fecbench.results.shown_metrics import PERCENT, scaled

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from fecbench.results.leaderboard.board import Board, Column, Score, Table

LEVEL = 0.95  # of the interval
CAPTION_HEIGHT = 0.35  # inches


def draw_scores(board: Board, path: Path, metric: str = "") -> Path:
    """Plot the scores of a board to ``path``: a panel for each data set, a line for each method, the best on top.

    Args:
        board: the board.
        path: file to write.
        metric: registered name of the metric; the first of each data set if empty.

    Raises:
        UsageError: no table of the board has the metric.
        RunError: the runs have no test scores, or the figure can't be written.
    """
    check_target(path)
    panels = [(table, column) for table in board.tables for column in _columns(table, metric)]
    known = sorted({column.metric for table in board.tables for column in table.columns})
    if not known:
        reasons = f" ({'; '.join(board.notes)})" if board.notes else ""
        raise RunError(f"a plot of scores needs test scores, but the runs have none{reasons}; choose other runs")
    if not panels:
        raise UsageError(f"--metric must be one of {', '.join(known)}, found {metric!r}; correct it")
    with figure_style():
        return save(_figure(panels), path)


def _columns(table: Table, metric: str) -> list[Column]:
    """Return the column of the metric, or the first one, of each data set."""
    found: dict[int, Column] = {}
    for column in table.columns:
        if column.metric == metric or not metric:
            found.setdefault(column.dataset, column)
    return list(found.values())


def interval(score: Score, overlap: float = 0.0) -> float | None:
    """Return half the width of the 95 % interval of the mean, by Student's t; None for fewer than two seeds or folds.

    Folds share training rows: ``overlap``, the ratio of test rows to the others, is added to 1/n as in a t-test
    (Nadeau and Bengio 2003; ADR 20).

    >>> from fecbench.results.leaderboard.board import Score
    >>> round(interval(Score.of({0: 0.5, 1: 0.6})), 4)
    0.6353
    """
    from scipy.stats import t

    if score.std is None or len(score.seeds) < 2:
        return None
    number = len(score.seeds)
    return float(t.ppf((1 + LEVEL) / 2, number - 1) * score.std * math.sqrt(1 / number + overlap))


def _figure(panels: Sequence[tuple[Table, Column]]) -> Figure:
    from matplotlib.figure import Figure

    rows = max(len(table.rows) for table, _ in panels)
    width = COLUMN if len(panels) == 1 else PAGE
    columns = min(len(panels), 2)
    lines = math.ceil(len(panels) / columns)
    figure = Figure(figsize=(width, CAPTION_HEIGHT + lines * (0.65 + 0.2 * rows)))
    cells = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes in cells[len(panels) :]:
        axes.remove()
    for axes, (table, column) in zip(cells, panels, strict=False):
        _draw(axes, table, column)
    add_caption(figure, _caption(panels))
    return figure


def _caption(panels: Sequence[tuple[Table, Column]]) -> str:
    """Return what dots and lines are: of seeds, of folds, or of runs if panels differ in that."""
    scores = (table.score(number, column) for table, column in panels for number in range(len(table.rows)))
    shown = [score for score in scores if score]
    kinds = {"fold" if isinstance(one, str) else "seed" for score in shown for one in score.seeds}
    kind = kinds.pop() if len(kinds) == 1 else "run"
    if any(interval(score) is not None for score in shown):
        return f"{kind}s as dots, the mean as a line with its {100 * LEVEL:.0f} % interval"
    return f"one {kind} each"


def _draw(axes: Axes, table: Table, column: Column) -> None:
    """Draw the methods of a panel, the best on top."""
    called = names(table)
    scores = {number: score for number in range(len(called)) if (score := table.score(number, column))}
    order = sorted(scores, key=lambda number: scores[number].mean, reverse=column.lower)
    for height, number in enumerate(order):
        half = interval(scores[number], overlap(table.rows[number].cells[column.dataset]))
        _draw_score(axes, height, scores[number], half, column.unit)
    axes.set_yticks(range(len(order)), [printable(called[number]) for number in order], parse_math=False)
    if column.unit == PERCENT:
        low, high = axes.get_xlim()
        axes.set_xlim(max(low, 0), min(high, 100))  # an interval of few seeds can reach past both
    axes.set_xlabel(
        f"test {printable(column.label)} ({'%' if column.unit == PERCENT else column.unit})", parse_math=False
    )
    axes.set_ylim(-0.6, len(scores) - 0.4)
    # A table of one data set tells its versions apart in the title.
    dataset = table.title if len(table.datasets) == 1 else table.datasets[column.dataset].name
    axes.set_title(printable(dataset), loc="left", parse_math=False)


def _draw_score(axes: Axes, height: int, score: Score, half: float | None, unit: str) -> None:
    """Draw a dot for each seed or fold, and if there are several their mean with ``half`` its interval on each side."""
    seeds = [scaled(value, unit) for value in score.seeds.values()]
    if half is None:
        axes.plot(scaled(score.mean, unit), height, "o", color=COLOURS[0], markersize=3.5, zorder=2, clip_on=False)
        return
    axes.plot(seeds, [height] * len(seeds), "o", color=COLOURS[5], markersize=3.5, alpha=0.8, zorder=2, clip_on=False)
    axes.errorbar(
        scaled(score.mean, unit),
        height,
        xerr=scaled(half, unit),
        fmt="|",
        markersize=8,
        markeredgewidth=1.6,
        color=COLOURS[0],
        capsize=2,
        zorder=3,
    )
