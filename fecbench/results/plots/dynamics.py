"""Plot a run's losses and other logged values over its batches (the AML paper's Figure 3)."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

from fecbench.core.errors import RunError
from fecbench.objective.check import get_objective
from fecbench.results.plots.direct_labels import label_ends
from fecbench.results.plots.saving import check_target, save
from fecbench.results.plots.style import PAGE, figure_style
from fecbench.runs.record import HISTORY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from fecbench.runs.record import Record

    Curve = Sequence[tuple[int, float]]  # (batch, value)


def draw_dynamics(record: Record, path: Path) -> Path:
    """Plot a run's logged values over its batches to ``path``, in the panels that its objective declares.

    Below a panel with two curves, another one has the gap between them, at the batches that both have. (For AML this is
    Figure 3 of the paper.)

    Raises:
        RunError: the run has no logged values to plot, its history is broken, or the figure can't be written.
    """
    check_target(path)
    curves = series(record)
    panels = drawn_panels(get_objective(record.run_file.objective.name).panels, curves)
    if not panels:
        raise RunError(
            f"{record.folder} must have logged batches to plot, but its history holds none; finish the run or choose "
            "another"
        )
    with figure_style():
        return save(_figure(record, curves, panels), path)


def _figure(record: Record, curves: Mapping[str, Curve], panels: Mapping[str, Sequence[str]]) -> Figure:
    """Return a figure with a panel for each title, and one for the gap below each pair of curves."""
    from matplotlib.figure import Figure  # not pyplot, which keeps figures in memory and may need a display

    drawn: list[tuple[str, dict[str, Curve]]] = []
    for title, names in panels.items():
        drawn.append((title, {name: curves[name] for name in names}))
        between = gap(curves[names[0]], curves[names[1]]) if len(names) == 2 else []
        if between:
            drawn.append((f"gap: {names[1]} - {names[0]}", {"": between}))
    figure = Figure(figsize=(PAGE, 1.3 * len(drawn) + 0.5))
    for axes, (title, of_panel) in zip(
        figure.subplots(len(drawn), sharex=True, squeeze=False)[:, 0], drawn, strict=True
    ):
        _draw(axes, title, of_panel)
    axes.set_xlabel("batch")
    run_file = record.run_file
    title = f"{run_file.objective.name} on {run_file.dataset.name}, seed {record.settings()['seed']}"
    figure.suptitle(title, parse_math=False, fontsize=9)
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


def _draw(axes: Axes, title: str, curves: Mapping[str, Curve]) -> None:
    """Draw the curves of a panel; a curve without a name is a gap, drawn from its zero line."""
    styles = cycle(("-", "--"))  # so that two curves can be seen where they coincide
    lines = [
        (name, axes.plot(*zip(*points, strict=True), linestyle=next(styles))[0]) for name, points in curves.items()
    ]
    axes.set_title(title, loc="left", parse_math=False)
    if "" in curves:
        axes.axhline(0, color="#3C3C3C", linewidth=0.8)
    else:
        label_ends(axes, lines)
