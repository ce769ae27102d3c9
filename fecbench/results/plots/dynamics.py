"""Plot a run's losses and other logged values over its batches (the AML paper's Figure 3)."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, NamedTuple

from fecbench.core.errors import RunError
from fecbench.core.text import printable
from fecbench.objective.check import get_objective
from fecbench.results.page.charts import FEW_POINTS
from fecbench.results.plots.direct_labels import LINE, label_ends
from fecbench.results.plots.saving import check_target, save
from fecbench.results.plots.style import COLUMN, PAGE, figure_style
from fecbench.results.plots.titles import add_title
from fecbench.runs.record import HISTORY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    from fecbench.runs.record import Record

    Curve = Sequence[tuple[int, float]]  # (batch, value)


class DrawnPanel(NamedTuple):
    """A panel of the figure: its title, its curves by name, and True if they are the gap between two others."""

    title: str
    curves: Mapping[str, Curve]
    is_gap: bool = False


def draw_dynamics(record: Record, path: Path, *, every: bool = False) -> Path:
    """Plot a run's logged values over its batches to ``path``.

    If the objective declares gaps that were logged, the figure has a panel for each of the two values and one for the
    gap between them. (For AML this is Figure 3 of the paper.) Otherwise, or with ``every``, it has the panels that the
    objective declares, and then its gaps.

    Raises:
        RunError: the run has no logged values to plot, its history is broken, or the figure can't be written.
    """
    check_target(path)
    curves = series(record)
    objective = get_objective(record.run_file.objective.name)
    gaps = {title: pair for title, pair in objective.gaps.items() if gap(*_both(curves, pair))}
    panels = drawn_panels(objective.panels, curves)
    if gaps and not every:
        panels = panels_of_gaps(panels, gaps)
    if not panels:
        raise RunError(
            f"{record.folder} must have logged batches to plot, but its history holds none; finish the run or choose "
            "another"
        )
    drawn = [DrawnPanel(title, {name: curves[name] for name in names}) for title, names in panels.items()]
    drawn += [DrawnPanel(title, {title: gap(*_both(curves, pair))}, is_gap=True) for title, pair in gaps.items()]
    with figure_style():
        return save(_figure(record, drawn), path)


def _both(curves: Mapping[str, Curve], pair: Sequence[str]) -> tuple[Curve, Curve]:
    """Return the two curves of a gap; one that wasn't logged is empty."""
    first, second = pair
    return curves.get(first, ()), curves.get(second, ())


def _figure(record: Record, panels: Sequence[DrawnPanel]) -> Figure:
    """Return a figure with the panels below each other, as wide as a page if curves need names beside them."""
    from matplotlib.figure import Figure  # not pyplot, which keeps figures in memory and may need a display
    from matplotlib.ticker import MaxNLocator

    most = max(len(panel.curves) for panel in panels)
    height = max(1.15, 0.4 + LINE / 72 * most)
    figure = Figure(figsize=(PAGE if most > 1 else COLUMN, height * len(panels) + 0.5))
    cells = figure.subplots(len(panels), sharex=True, squeeze=False)[:, 0]
    lines = [_draw(axes, panel) for axes, panel in zip(cells, panels, strict=True)]
    cells[-1].set_xlabel("training batch")
    cells[-1].xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    run_file = record.run_file
    add_title(figure, f"{run_file.objective.name} on {run_file.dataset.name}, seed {record.settings()['seed']}")
    figure.align_ylabels()
    label_ends(figure, [(axes, drawn) for axes, drawn in zip(cells, lines, strict=True) if len(drawn) > 1])
    return figure


def series(record: Record) -> dict[str, list[tuple[int, float]]]:
    """Return the curve of every logged value: (batch since the start of training, mean since the last entry).

    Raises:
        RunError: an entry of the history has no step or no values.
    """
    return logged_series(record, record.history())


def logged_series(record: Record, history: Iterable[Mapping[str, Any]]) -> dict[str, list[tuple[int, float]]]:
    """Return the curves of logged values from a ``history`` already read."""
    events = [event for event in history if event["event"] == "updates"]
    if not all(_is_whole(event) for event in events):
        raise RunError(
            f"{record.folder / HISTORY} must give every entry of `updates` a step and logs, numbers by name; "
            "restore it or run it again"
        )
    per_epoch = max((event["step"] for event in events), default=0)  # the last batch of an epoch is always logged
    curves: dict[str, list[tuple[int, float]]] = {}
    for event in events:
        batch = (event["epoch"] - 1) * per_epoch + event["step"]
        for name, value in event["logs"].items():
            curves.setdefault(name, []).append((batch, value))
    return curves


def _is_whole(event: Mapping[str, Any]) -> bool:
    step, logs = event.get("step"), event.get("logs")
    return (
        isinstance(step, int)
        and isinstance(logs, dict)
        and all(isinstance(value, int | float) for value in logs.values())
    )


def gap(first: Curve, second: Curve) -> list[tuple[int, float]]:
    """Return ``second`` minus ``first`` at the batches that both curves have.

    >>> gap([(1, 2.0), (2, 3.0), (4, 5.0)], [(2, 4.0), (3, 9.0), (4, 4.5)])
    [(2, 1.0), (4, -0.5)]
    """
    values = dict(first)
    return [(batch, value - values[batch]) for batch, value in second if batch in values]


def drawn_panels(declared: Mapping[str, Sequence[str]], logged: Mapping[str, object]) -> dict[str, list[str]]:
    """Return for each declared panel its curves that were logged; if no declared curve was, one panel with all losses.

    >>> drawn_panels({"scores": ("s+", "s-")}, {"model_loss": 1, "s+": 2})
    {'scores': ['s+']}
    >>> drawn_panels({}, {"model_loss": 1, "s+": 2})
    {'loss': ['model_loss']}
    """
    panels = {title: [name for name in names if name in logged] for title, names in declared.items()}
    panels = {title: names for title, names in panels.items() if names}
    losses = [name for name in logged if name.endswith("_loss")]
    if not panels and losses:
        return {"loss": losses}
    return panels


def panels_of_gaps(panels: Mapping[str, Sequence[str]], gaps: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return panels of the curves of gaps alone, under the titles of the ``panels`` that have them.

    >>> panels_of_gaps({"max-step": ["d_loss", "d_loss_after"]}, {"gap": ("d_loss", "e_loss")})
    {'max-step': ['d_loss'], 'e_loss': ['e_loss']}
    """
    title_of = {name: title for title, names in panels.items() for name in names}
    found: dict[str, list[str]] = {}
    for name in dict.fromkeys(name for pair in gaps.values() for name in pair):
        found.setdefault(title_of.get(name, name), []).append(name)
    return found


def _draw(axes: Axes, panel: DrawnPanel) -> list[tuple[str, Line2D]]:
    """Draw the curves of a panel, and return each with its name."""
    styles = cycle(("-", "--"))  # so that two curves can be seen where they coincide
    lines = []
    for name, points in panel.curves.items():
        mark = "o" if len(points) <= FEW_POINTS else ""  # a curve of one point has no line
        lines.append((name, axes.plot(*zip(*points, strict=True), linestyle=next(styles), marker=mark)[0]))
    axes.set_title(printable(panel.title), loc="left", parse_math=False)
    if panel.is_gap:
        axes.axhline(0, color="#3C3C3C", linewidth=0.8)
        axes.set_ylabel("difference")
    else:
        axes.set_ylabel("loss" if any(name.endswith("_loss") for name in panel.curves) else "value")
    return lines
