"""Plot the confusions of a method, with similar labels beside each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fecbench.core.errors import RunError, UsageError
from fecbench.core.text import printable
from fecbench.results.newer_options import with_newer_options
from fecbench.results.plots.saving import check_target, save
from fecbench.results.plots.style import COLUMN, PAGE, figure_style
from fecbench.results.plots.titles import add_title
from fecbench.runs.identity import ROW_SETTINGS, VARIES_IN_A_CELL
from fecbench.training.logits import NO_ANSWER_TEXT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from fecbench.runs.record import Record

FEW = 12  # largest number of labels of which each error has its number
NO_TEXTS = "–"  # noqa: RUF001  the en dash is intended


def draw_confusion(records: Sequence[Record], path: Path) -> Path:
    """Plot the mean confusion matrix of runs of one method on one data set to ``path``.

    Rows are true labels; a cell has the share of a row's texts. The colours are those of the errors: the diagonal is
    grey, with its share as a number, or a dash if the label has no texts. With few labels errors have numbers, too.
    Labels that are confused often stand beside each other.

    Raises:
        RunError: a run isn't complete or has no confusion matrix; the figure can't be written.
        UsageError: the runs are of several methods or data sets.
    """
    check_target(path)
    labels = _labels(records)
    shares = mean_shares([_matrix(record, labels) for record in records])
    with figure_style():
        return save(_figure(records, shares, labels), path)


def mixed_settings(records: Sequence[Record]) -> list[str]:
    """Return the settings in which runs of one method differ, apart from those of repetitions (seed, fold, device)."""
    settings = with_newer_options(records[0].run_file.objective.name, [record.settings() for record in records])
    names = dict.fromkeys(name for each in settings for name in each if name not in (*VARIES_IN_A_CELL, *ROW_SETTINGS))
    return [name for name in names if any(each.get(name) != settings[0].get(name) for each in settings)]


def _labels(records: Sequence[Record]) -> list[str]:
    kinds = {(record.run_file.objective.name, record.run_file.dataset.version) for record in records}
    if len(kinds) > 1:
        names = sorted({f"{record.run_file.objective.name} on {record.run_file.dataset.name}" for record in records})
        raise UsageError(
            f"a confusion plot shows runs of one method on one data set, but these are {', '.join(names)}; choose some"
        )
    return sorted(records[0].run_file.dataset.labels)


def _matrix(record: Record, labels: Sequence[str]) -> np.ndarray:
    """Return the confusion matrix ``[C, C + 1]`` of a run, its labels in the given order, no answer last.

    Raises:
        RunError: the run isn't complete, or its record holds no such matrix.
    """
    record.check_complete()
    own, result = record.run_file.dataset.labels, record.result_file
    matrix, support = np.asarray(result.confusion_matrix, dtype=object), result.per_class or {}
    if matrix.shape != (len(own), len(own)) or not set(labels) <= set(support):
        raise RunError(
            f"{record.folder} must hold a confusion matrix of its {len(own)} labels, but holds none; choose a run with "
            "one label a text and test scores"
        )
    order = [own.index(label) for label in labels]
    counts = matrix.astype(float)[np.ix_(order, order)]
    unanswered = np.array([support[label].support for label in labels]) - counts.sum(1)
    return np.column_stack([counts, unanswered])


def mean_shares(matrices: Sequence[np.ndarray]) -> np.ndarray:
    """Return the mean of confusion matrices ``[C, D]`` as shares of each row; 0 in rows without texts.

    >>> mean_shares([np.array([[3, 1], [0, 0]]), np.array([[1, 3], [0, 0]])]).tolist()
    [[0.5, 0.5], [0.0, 0.0]]
    >>> mean_shares([np.array([[0, 1], [0, 2]]), np.array([[0, 0], [0, 2]])]).tolist()
    [[0.0, 1.0], [0.0, 1.0]]
    """
    counts = np.mean(matrices, axis=0)
    rows = counts.sum(1, keepdims=True)  # below 1 for a label that few folds have
    shares: np.ndarray = counts / np.where(rows > 0, rows, 1)
    return shares


def similar_order(shares: np.ndarray) -> np.ndarray:
    """Return an order of the labels in which those that are confused often stand beside each other.

    Average linkage of ``1 - (s_ab + s_ba) / 2``, with the optimal order of leaves (Bar-Joseph et al. 2001).

    Args:
        shares: ``[C, C]``, shares of each true label's texts.

    >>> similar_order(np.array([[0.5, 0, 0.5], [0, 1, 0], [0.5, 0, 0.5]])).tolist() in ([1, 0, 2], [1, 2, 0], [0, 2, 1])
    True
    """
    from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering
    from scipy.spatial.distance import squareform

    distances = 1 - (shares + shares.T) / 2
    np.fill_diagonal(distances, 0)
    condensed = squareform(distances, checks=False)
    order: np.ndarray = leaves_list(optimal_leaf_ordering(linkage(condensed, "average"), condensed))
    return order


def _figure(records: Sequence[Record], shares: np.ndarray, labels: Sequence[str]) -> Figure:
    from matplotlib.figure import Figure

    classes = len(labels)
    order = similar_order(shares[:, :classes])
    unanswered = shares[:, classes].any()
    shown = shares[order][:, [*order, *([classes] if unanswered else [])]]
    columns = [*(labels[number] for number in order), *([NO_ANSWER_TEXT] if unanswered else [])]
    width = min(PAGE, max(COLUMN, 2.1 + 0.19 * classes))
    figure = Figure(figsize=(width, width - 0.5))
    axes = figure.subplots()
    _draw(axes, shown, [labels[number] for number in order], columns)
    run_file = records[0].run_file
    seeds = "1 run" if len(records) == 1 else f"mean of {len(records)} runs"
    add_title(figure, f"{run_file.objective.name} on {run_file.dataset.name}, test, {seeds}\ngrey: right (%)")
    return figure


def _draw(axes: Axes, shares: np.ndarray, rows: Sequence[str], columns: Sequence[str]) -> None:
    from matplotlib import colormaps

    errors = shares.copy()
    np.fill_diagonal(errors, np.nan)
    most = max(1.0, 100 * np.nanmax(errors))  # a scale also where nothing is wrong
    image = axes.imshow(100 * errors, cmap=colormaps["Blues"].with_extremes(bad="0.88"), vmin=0, vmax=most)
    for place, row in enumerate(shares):
        _write(axes, place, place, f"{100 * row[place]:.0f}" if row.any() else NO_TEXTS)
    if len(rows) <= FEW:
        for (row, column), share in np.ndenumerate(100 * errors):
            if share >= 0.5:  # a share that is rounded to 0 stays empty
                _write(axes, row, column, f"{share:.0f}", "white" if share > most / 2 else "black")
    axes.set_xticks(range(len(columns)), list(map(printable, columns)), rotation=90, fontsize=6.5, parse_math=False)
    axes.set_yticks(range(len(rows)), list(map(printable, rows)), fontsize=6.5, parse_math=False)
    axes.set(xlabel="predicted label", ylabel="true label")
    axes.grid(visible=False)
    bar = axes.figure.colorbar(image, ax=axes, shrink=0.6)
    bar.set_label("wrong (% of the label's texts)")
    bar.outline.set_visible(False)


def _write(axes: Axes, row: int, column: int, text: str, colour: str = "black") -> None:
    axes.text(column, row, text, color=colour, ha="center", va="center", fontsize=5.5)
