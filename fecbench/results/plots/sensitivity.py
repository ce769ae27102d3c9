"""Plot a method's scores against its settings (the AML paper's Figure 5)."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import pairwise
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any

from fecbench.core.errors import PluginError, RunError, UnknownName, UsageError
from fecbench.core.text import shortened
from fecbench.objective.check import get_objective
from fecbench.results.leaderboard.formats.layout import counted
from fecbench.results.newer_options import with_newer_options
from fecbench.results.plots.direct_labels import label_ends
from fecbench.results.plots.marks import mark
from fecbench.results.plots.panels import Configuration, Panel, Point, panels, sort_key
from fecbench.results.plots.saving import save
from fecbench.results.plots.style import COLUMN, PAGE, figure_style
from fecbench.results.plots.symbols import literal, typeset
from fecbench.results.plots.titles import add_title, wrapped
from fecbench.results.shown_metrics import PERCENT, scaled, shown
from fecbench.runs.identity import ROW_SETTINGS, repetition

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    from fecbench.data.datasets.dataset import Labelling
    from fecbench.runs.record import Record


DEFAULT_OBJECTIVE = "aml"
DEFAULT_METRIC = {"single": "accuracy", "multi": "macro_f1"}  # by labelling
REPEATED = ("seed", "device")  # runs that differ only in these are repetitions of one configuration
AXIS = 2.2  # inches, the width of a panel's axis beside its names
SMALL = 6  # size of words below an axis in points
LETTER_WIDTH = 0.025  # of a value's text below the axis, as a share of the axis
WIDE = 10  # ratio of the largest to the smallest value from which an axis is logarithmic


@dataclass(frozen=True)
class Study:
    """The content of a sensitivity plot.

    Attributes:
        objective: the method's name.
        metric: the metric of the scores.
        split: the split that was scored.
        panels: the panels.
        notes: notes for the reader.
    """

    objective: str
    metric: str
    split: str
    panels: tuple[Panel, ...]
    notes: tuple[str, ...]


def build_study(
    records: Sequence[Record], metric: str | None = None, split: str = "test", objective: str | None = None
) -> Study:
    """Return the content of the plot of complete ``records``, sorted newest first.

    The default ``metric`` is accuracy, or macro F1 for texts with several labels. The default ``objective`` is ``aml``
    if there are runs of it, else the only one of the records.

    Raises:
        UnknownName: no record has that objective, or not all have that metric.
        UsageError: there are several objectives and none was chosen, or some texts have one label and others several.
        RunError: nothing varies among the runs.
    """
    name = _objective(records, objective)
    of_objective = [record for record in records if record.run_file.objective.name == name]
    chosen = [record for record in of_objective if record.result_file.metrics.of(split)]
    if not chosen:
        raise RunError(f"a sensitivity plot needs {split} scores, but no run of {name} has any; choose another --split")
    default = DEFAULT_METRIC[_labelling(chosen, name)]
    metric = metric or default
    known = set.intersection(*(set(record.result_file.metrics.of(split)) for record in chosen))
    if metric not in known:
        raise UnknownName("metric", metric, known, where=f"of all {len(chosen)} runs of {name}")
    data_sets, notes = _by_data(chosen, metric, split)
    drawn, left_out = panels(data_sets)
    if not drawn:
        raise RunError(
            f"a sensitivity plot needs runs of {name} that differ in a setting, but nothing varies among {len(chosen)} "
            "found (other than seed and data); run it with other values, such as --lr"
        )
    unscored = len(of_objective) - len(chosen)
    if unscored:
        notes.append(f"runs left out because they have no {split} scores: {unscored}")
    return Study(name, metric, split, drawn, (*notes, *left_out))


def _objective(records: Sequence[Record], name: str | None) -> str:
    """Return the objective to study: ``name`` if given, else the default."""
    names = sorted({record.run_file.objective.name for record in records})
    chosen = name or (DEFAULT_OBJECTIVE if DEFAULT_OBJECTIVE in names else names[0])
    if chosen not in names:
        raise UnknownName("objective", chosen, names, where="with a complete run here")
    if len(names) > 1 and not name and chosen != DEFAULT_OBJECTIVE:
        raise UsageError(
            f"a plot shows one objective, but there are runs of {', '.join(names)}; choose one with --objective"
        )
    return chosen


def _labelling(records: Sequence[Record], name: str) -> Labelling:
    """Return the labelling of all records. Raises UsageError if they differ: one axis would show two metrics."""
    datasets = [record.run_file.dataset for record in records]
    several = sorted({dataset.name for dataset in datasets if dataset.labelling == "multi"})
    if several and any(dataset.labelling == "single" for dataset in datasets):
        raise UsageError(
            f"a plot shows texts with one label each or with several, but there are runs of {name} on both "
            f"({shortened(several)} have several); give the folders of one kind"
        )
    return "multi" if several else "single"


def _by_data(records: Sequence[Record], metric: str, split: str) -> tuple[dict[str, list[Configuration]], list[str]]:
    """Return the configurations of each data set version, and notes on the runs."""
    versions: dict[str, dict[str, list[Record]]] = defaultdict(lambda: defaultdict(list))
    for record in records:
        dataset = record.run_file.dataset
        versions[dataset.name][dataset.version].append(record)
    by_version, notes = {}, _notes(records)
    for name, prints in sorted(versions.items()):
        for fingerprint, same in prints.items():
            title = name if len(prints) == 1 else f"{name} ({fingerprint[:8]})"
            by_version[title], repeated = _configurations(same, metric, split)
            if repeated:
                notes.append(f"{title}: runs left out because a newer run has their settings and seed: {repeated}")
    return by_version, notes


def _configurations(records: Sequence[Record], metric: str, split: str) -> tuple[list[Configuration], int]:
    """Group runs of equal settings, and count the runs that are left out because a newer one has their seed, too."""
    kinds: dict[frozenset[tuple[str, Any]], dict[str, Any]] = {}
    scores: dict[frozenset[tuple[str, Any]], dict[int | str, float]] = defaultdict(dict)
    completed = with_newer_options(records[0].run_file.objective.name, [record.settings() for record in records])
    for record, settings in zip(records, completed, strict=True):
        kept = {name: value for name, value in settings.items() if name not in REPEATED + ROW_SETTINGS}
        # A setting that is None counts as missing, because older records lack newer settings.
        kind = frozenset((name, value) for name, value in kept.items() if value is not None)
        kinds.setdefault(kind, kept)
        # Records come newest first, so that the newest of a seed stays.
        scores[kind].setdefault(repetition(settings), record.result_file.metrics.of(split)[metric])
    return [Configuration(kinds[kind], scores[kind]) for kind in kinds], len(records) - sum(map(len, scores.values()))


def _notes(records: Sequence[Record]) -> list[str]:
    notes = []
    versions = Counter(record.run_file.code for record in records)
    if len(versions) > 1:
        notes.append(f"the runs have {len(versions)} different versions of the code")
    limits = sorted({limit for record in records if (limit := record.limit)})
    if limits:
        notes.append(f"LIMITED: runs were trained on the first {', '.join(f'{limit:,}' for limit in limits)} rows only")
    return notes


def rows(study: Study) -> list[dict[str, Any]]:
    """Return the plotted values, one dict a point; ``std`` is None for a single seed."""
    return [
        {
            "panel": panel.name,
            "dataset": name,
            "value": point.text.replace("\n", ", ") + (" (base)" if point.base else ""),
            "mean": mean(point.scores),
            "std": spread(point),
            "seeds": len(point.scores),
        }
        for panel in study.panels
        for name, points in panel.lines.items()
        for point in points
    ]


def spread(point: Point) -> float | None:
    """Return the sample standard deviation over seeds or folds; None for a single one."""
    return stdev(point.scores) if len(point.scores) > 1 else None


def draw_sensitivity(study: Study, path: Path) -> Path:
    """Plot means and standard deviations over seeds or folds, a panel for each set of settings.

    Each data set has a line. Rings mark the base configuration. Positive values that span a factor of ``WIDE`` or more
    have a logarithmic axis.

    Raises:
        RunError: the figure can't be written.
    """
    with figure_style():
        return save(_figure(study), path)


def _figure(study: Study) -> Figure:
    from matplotlib.figure import Figure

    columns = 1 if len(study.panels) <= 2 else 2
    rows = math.ceil(len(study.panels) / columns)
    figure = Figure(figsize=(COLUMN if columns == 1 else PAGE, 1.7 * rows + 0.5))
    cells = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    for axes in cells[len(study.panels) :]:
        axes.remove()
    data_sets = {
        name: index for index, name in enumerate(sorted({name for panel in study.panels for name in panel.lines}))
    }
    unit = shown(study.metric).unit
    symbols = _symbols(study.objective)
    lines = []
    for axes, panel in zip(cells, study.panels, strict=False):
        lines.append(_draw(axes, panel, data_sets, unit))
        axes.set_xlabel(axis_name(panel, symbols))
    add_title(figure, _title(study, list(data_sets)))
    figure.supylabel(literal(f"{study.split} {study.metric}") + f" ({'%' if unit == PERCENT else unit})", fontsize=8)
    if len(data_sets) > 1:
        label_ends(figure, zip(cells, lines, strict=False))
    return figure


def axis_name(panel: Panel, symbols: Mapping[str, str]) -> str:
    """Return the name of a panel's axis: its settings, after the symbol that they have in common.

    >>> axis_name(Panel(("k_pos", "k_neg"), {}), {"k_pos": "K", "k_neg": "K"})
    '$K$ (k_pos = k_neg)'
    >>> axis_name(Panel(("lr",), {}), {})
    'lr'
    """
    common = {symbols.get(name, "") for name in panel.settings}
    symbol, name = common.pop() if len(common) == 1 else "", literal(panel.name)
    return f"{typeset(symbol)} ({name})" if symbol else name


def _symbols(objective: str) -> Mapping[str, str]:
    """Return the symbols of a method's options; empty if the method isn't installed here."""
    try:
        return get_objective(objective).symbols
    except (UnknownName, PluginError):
        return {}


def _title(study: Study, data_sets: Sequence[str]) -> str:
    """Return the method, its data set if it is the only one, and the meaning of points, bars and rings."""
    points = [point for panel in study.panels for line in panel.lines.values() for point in line]
    method = study.objective if len(data_sets) > 1 else f"{study.objective} on {data_sets[0]}"
    bars = "mean ± standard deviation, " if any(len(point.scores) > 1 for point in points) else ""
    return f"{method}: {bars}{_repeated(points)}\nring: base configuration"


def _repeated(points: Sequence[Point]) -> str:
    """Return the number of seeds or folds of the points, or its range."""
    words = {counted(point.repetitions) for point in points}
    if len(words) == 1:
        return words.pop()
    numbers = [len(point.repetitions) for point in points]
    kinds = {"folds" if isinstance(one, str) else "seeds" for point in points for one in point.repetitions}
    return f"{min(numbers)} to {max(numbers)} {kinds.pop() if len(kinds) == 1 else 'runs'}"


def _draw(axes: Axes, panel: Panel, data_sets: dict[str, int], unit: str) -> list[tuple[str, Line2D]]:
    """Draw the lines of a panel, and return each with the name of its data set."""
    everything = sorted((point for points in panel.lines.values() for point in points), key=sort_key)
    categories = {point.values: point.text for point in everything}
    lines = []
    for number, (name, points) in enumerate(panel.lines.items()):
        shift = 0.15 * (number - (len(panel.lines) - 1) / 2)  # keeps the error bars of the data sets apart
        xs = [point.values[0] if panel.numeric else list(categories).index(point.values) + shift for point in points]
        lines.append((name, _draw_line(axes, xs, points, data_sets[name], unit, joined=panel.numeric)))
    if panel.numeric:
        _mark_values(axes, {point.values[0]: point.text for point in everything})
    else:
        room = AXIS / len(categories)
        texts = [wrapped(text, room, SMALL) for text in categories.values()]
        axes.set_xticks(range(len(texts)), texts, fontsize=SMALL, parse_math=False)
        axes.set_xlim(-0.5, len(categories) - 0.5)
    axes.grid(visible=False, axis="x")
    return lines


def _mark_values(axes: Axes, names: Mapping[float, str]) -> None:
    """Choose the scale of the axis, and set its ticks to the values of the points, if their labels do not overlap.

    Args:
        axes: the panel.
        names: the text of each value, sorted by value.
    """
    values = list(names)
    logarithmic = values[0] > 0 and values[-1] >= WIDE * values[0]
    places = [math.log(value) for value in values] if logarithmic else values
    if logarithmic:
        axes.set_xscale("log")
    closest = min((after - before for before, after in pairwise(places)), default=1.0)
    letters = 1 + max(map(len, names.values()))
    if closest >= LETTER_WIDTH * letters * (places[-1] - places[0]):
        axes.set_xticks(values, list(names.values()))
        axes.minorticks_off()


def _draw_line(
    axes: Axes, xs: Sequence[float], points: Sequence[Point], index: int, unit: str, *, joined: bool
) -> Line2D:
    """Draw the points of a data set with their error bars and a ring around the base, and return the line."""
    colour, shape = mark(index)
    ys = [scaled(mean(point.scores), unit) for point in points]
    deviations = [spread(point) for point in points]
    bars = [math.nan if deviation is None else scaled(deviation, unit) for deviation in deviations]  # NaN draws no bar
    drawn = axes.errorbar(
        xs, ys, bars, color=colour, marker=shape, capsize=2, linewidth=1.2, linestyle="-" if joined else "none"
    )
    base = next(number for number, point in enumerate(points) if point.base)
    axes.plot(xs[base], ys[base], marker="o", markersize=9, fillstyle="none", color="gray")
    line: Line2D = drawn.lines[0]
    return line
