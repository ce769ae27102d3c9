"""How a method's scores depend on its settings: a panel for what varies (the AML paper's Figure 5)."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import pairwise
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any

from fecbench.core.errors import RunError, UnknownName, UsageError
from fecbench.core.text import shortened
from fecbench.results.plots.legend import add_legend
from fecbench.results.plots.marks import mark
from fecbench.results.plots.panels import Configuration, Panel, Point, order, panels
from fecbench.results.plots.saving import save
from fecbench.runs.find import all_records
from fecbench.runs.identity import ROW_SETTINGS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from fecbench.runs.record import Record


PREFERRED = "aml"
REPEATED = ("seed", "device")  # runs that differ in these are repetitions
ROOM = 0.09  # of an axis, for the name of a value


@dataclass(frozen=True)
class Study:
    """What is known of a method's sensitivity.

    Attributes:
        objective: its name.
        metric: whose values the scores are, as fractions.
        split: of these rows.
        panels: what varies.
        notes: what a reader must be told.
    """

    objective: str
    metric: str
    split: str
    panels: tuple[Panel, ...]
    notes: tuple[str, ...]


def complete_runs(places: Sequence[Path]) -> tuple[list[Record], list[str]]:
    """The complete runs that ``places`` are or hold at any depth, newest first, and notes on those that were passed over.

    Raises:
        RunError: there is none.
    """
    found = {record.folder.resolve(): record for place in places for record in all_records(place)}
    kinds: dict[str, list[Record]] = defaultdict(list)
    for record in found.values():
        kinds[_kind(record)].append(record)
    records = kinds["complete"]
    notes = []
    if kinds["unfinished"]:
        notes.append(f"runs left out, not being complete: {len(kinds['unfinished'])}")
    if kinds["broken"]:
        notes.append(
            f"runs left out, their records being broken: {shortened([record.id for record in kinds['broken']])}"
        )
    if not records:
        where, why = ", ".join(map(str, places)), "".join(f" ({note})" for note in notes)
        raise RunError(
            f"a sensitivity plot needs complete runs, but {where} holds none{why}; run some, or name the folder that holds them"
        )
    records.sort(key=lambda record: record.run_file.started, reverse=True)
    return records, notes


def _kind(record: Record) -> str:
    """``complete``, ``unfinished``, or ``broken``: a record that can't be read stops no picture of the others."""
    try:
        return "complete" if record.run_file and record.status == "complete" and record.result_file else "unfinished"
    except RunError:
        return "broken"


def study(
    records: Sequence[Record], metric: str = "accuracy", split: str = "test", objective: str | None = None
) -> Study:
    """The study that complete ``records``, newest first, allow: of ``objective``, by default the only one there is, else ``aml``.

    Raises:
        UnknownName: no run is of that objective, or has that metric.
        UsageError: there are several objectives to choose from.
        RunError: nothing varies among the runs.
    """
    name = _objective(records, objective)
    chosen = [record for record in records if record.run_file.objective.name == name]
    known = set.intersection(*(set(record.result_file.metrics.of(split)) for record in chosen))
    if metric not in known:
        raise UnknownName(f"metric of all {len(chosen)} runs", metric, known)
    data_sets, notes = _by_data(chosen, metric, split)
    found, left_out = panels(data_sets)
    if not found:
        raise RunError(
            f"a sensitivity plot needs runs of {name} that differ in a setting, but nothing varies among {len(chosen)} found (other than "
            f"seed and data); run it with other values, such as --lr"
        )
    return Study(name, metric, split, found, (*notes, *left_out))


def _objective(records: Sequence[Record], asked: str | None) -> str:
    names = sorted({record.run_file.objective.name for record in records})
    wanted = asked or (PREFERRED if PREFERRED in names else names[0])
    if wanted not in names:
        raise UnknownName("objective of a complete run here", wanted, names)
    if len(names) > 1 and not asked and wanted != PREFERRED:
        raise UsageError(f"one objective must be chosen, found runs of {', '.join(names)}; choose one with --objective")
    return wanted


def _by_data(records: Sequence[Record], metric: str, split: str) -> tuple[dict[str, list[Configuration]], list[str]]:
    """Configurations by data set version, and notes on the runs."""
    versions: dict[str, dict[str, list[Record]]] = defaultdict(lambda: defaultdict(list))
    for record in records:
        dataset = record.run_file.dataset
        versions[dataset.name][dataset.fingerprint].append(record)
    found, notes = {}, _notes(records)
    for name, prints in sorted(versions.items()):
        for fingerprint, same in prints.items():
            title = name if len(prints) == 1 else f"{name} ({fingerprint[:8]})"
            found[title], repeated = _configurations(same, metric, split)
            if repeated:
                notes.append(f"{title}: runs left out, repeating a newer one's settings and seed: {repeated}")
    return found, notes


def _configurations(records: Sequence[Record], metric: str, split: str) -> tuple[list[Configuration], int]:
    """Runs of equal settings together, and how many runs repeat a newer one's settings and seed."""
    kinds: dict[frozenset[tuple[str, Any]], dict[str, Any]] = {}
    scores: dict[frozenset[tuple[str, Any]], dict[int, float]] = defaultdict(dict)
    for record in records:
        settings = record.settings()
        kept = {name: value for name, value in settings.items() if name not in REPEATED + ROW_SETTINGS}
        kind = frozenset(
            (name, value) for name, value in kept.items() if value is not None
        )  # older records lack newer settings
        kinds.setdefault(kind, kept)
        scores[kind].setdefault(settings["seed"], record.result_file.metrics.of(split)[metric])
    return [Configuration(kinds[kind], scores[kind]) for kind in kinds], len(records) - sum(map(len, scores.values()))


def _notes(records: Sequence[Record]) -> list[str]:
    notes = []
    versions = Counter(record.run_file.code for record in records)
    if len(versions) > 1:
        notes.append(f"the runs are of {len(versions)} versions of the code")
    limits = sorted({limit for record in records if (limit := record.limit)})
    if limits:
        notes.append(f"LIMITED: runs were trained on the first {', '.join(f'{limit:,}' for limit in limits)} rows only")
    return notes


def rows(found: Study) -> list[dict[str, Any]]:
    """The numbers behind the picture, a point each; ``std`` is None for a single seed."""
    return [
        {
            "panel": panel.name,
            "dataset": name,
            "value": point.text.replace("\n", ", ") + (" (base)" if point.base else ""),
            "mean": mean(point.scores),
            "std": spread(point),
            "seeds": len(point.scores),
        }
        for panel in found.panels
        for name, points in panel.lines.items()
        for point in points
    ]


def spread(point: Point) -> float | None:
    """The sample standard deviation over seeds; None for a single one."""
    return stdev(point.scores) if len(point.scores) > 1 else None


def draw_sensitivity(found: Study, path: Path) -> Path:
    """Draw means and standard deviations over seeds, a panel for what varies and a line for each data set; rings mark the base.

    Raises:
        RunError: the picture can't be written.
    """
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    columns = 1 if len(found.panels) <= 2 else 2
    height = -(-len(found.panels) // columns)
    figure = Figure(figsize=(3.6 * columns, 2.2 * height + 0.7), layout="constrained")
    cells = figure.subplots(height, columns, squeeze=False, sharey=True).ravel()
    for axes in cells[len(found.panels) :]:
        axes.remove()
    data_sets = {
        name: index for index, name in enumerate(sorted({name for panel in found.panels for name in panel.lines}))
    }
    for axes, panel in zip(cells, found.panels, strict=False):
        _draw(axes, panel, data_sets)
    figure.suptitle(_title(found), fontsize=9)
    figure.supylabel(f"{found.split} {found.metric} (%)", fontsize=9)
    lines = [
        (name, Line2D([], [], color=mark(at).colour, marker=mark(at).shape, markersize=5))
        for name, at in data_sets.items()
    ]
    ring = Line2D([], [], color="gray", marker="o", markersize=10, fillstyle="none", linestyle="none")
    add_legend(figure, [*lines, ("base", ring)], loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    return save(figure, path)


def _title(found: Study) -> str:
    counts = sorted(
        {len(point.scores) for panel in found.panels for points in panel.lines.values() for point in points}
    )
    seeds = (
        f"{counts[0]} to {counts[-1]} seeds" if len(counts) > 1 else f"{counts[0]} seed{'s' if counts[0] > 1 else ''}"
    )
    over = "mean and standard deviation over " if counts[-1] > 1 else ""
    return f"{found.objective}: {over}{seeds}"


def _draw(axes: Axes, panel: Panel, data_sets: dict[str, int]) -> None:
    everything = sorted((point for points in panel.lines.values() for point in points), key=order)
    categories = {point.values: point.text for point in everything}
    for number, (name, points) in enumerate(panel.lines.items()):
        aside = 0.15 * (number - (len(panel.lines) - 1) / 2)  # or the data sets' bars would hide one another
        xs = [point.values[0] if panel.numeric else list(categories).index(point.values) + aside for point in points]
        _draw_line(axes, xs, points, data_sets[name], joined=panel.numeric)
    if panel.numeric:
        _mark_values(axes, {point.values[0]: point.text for point in everything})
    else:
        axes.set_xticks(range(len(categories)), list(categories.values()), parse_math=False)
        axes.set_xlim(-0.5, len(categories) - 0.5)
    axes.set_xlabel(panel.name, fontsize=9)
    axes.tick_params(labelsize=8)
    axes.grid(axis="y", color="0.9")
    axes.set_axisbelow(True)


def _mark_values(axes: Axes, names: Mapping[float, str]) -> None:
    """Ticks at the very values, in ascending order, where their names have room."""
    values = list(names)
    closest = min((after - before for before, after in pairwise(values)), default=1.0)
    if closest >= ROOM * (values[-1] - values[0]):
        axes.set_xticks(values, list(names.values()))


def _draw_line(axes: Axes, xs: Sequence[float], points: Sequence[Point], index: int, *, joined: bool) -> None:
    colour, shape = mark(index)
    ys = [100 * mean(point.scores) for point in points]
    spreads = [
        math.nan if (known := spread(point)) is None else 100 * known for point in points
    ]  # a single seed has no bar
    axes.errorbar(
        xs,
        ys,
        spreads,
        color=colour,
        marker=shape,
        markersize=4,
        capsize=3,
        linewidth=1.2,
        linestyle="-" if joined else "none",
    )
    base = next(number for number, point in enumerate(points) if point.base)
    axes.plot(xs[base], ys[base], marker="o", markersize=10, fillstyle="none", color="gray")
