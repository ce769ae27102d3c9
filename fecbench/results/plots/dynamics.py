"""Plot a run's losses and other logged values over its batches (the AML paper's Figure 3)."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

from fecbench.core.errors import RunError
from fecbench.objective.check import get_objective
from fecbench.results.plots.legend import add_legend
from fecbench.results.plots.saving import check_target, save
from fecbench.runs.record import HISTORY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from matplotlib.axes import Axes

    from fecbench.runs.record import Record

    Curve = Sequence[tuple[int, float]]  # (batch, value)


def draw_dynamics(record: Record, path: Path) -> Path:
    """Plot a run's logged values over its batches to ``path``, in the panels that its objective declares.

    In a panel with two curves, the gap between them is shaded on an axis of its own, at the batches that both have.
    (For AML this is Figure 3 of the paper.)

    Raises:
        RunError: the run has no logged values to plot, its history is broken, or the figure can't be written.
    """
    from matplotlib.figure import Figure  # not pyplot, which keeps figures in memory and may need a display

    check_target(path)
    curves = series(record)
    panels = drawn_panels(get_objective(record.run_file.objective.name).panels, curves)
    if not panels:
        raise RunError(
            f"{record.folder} must have logged batches to plot, but its history holds none; finish the run or choose "
            "another"
        )
    figure = Figure(figsize=(7, 2.4 * len(panels)), layout="constrained")
    for axes, (title, names) in zip(figure.subplots(len(panels), squeeze=False)[:, 0], panels.items(), strict=True):
        _draw(axes, title, {name: curves[name] for name in names})
    figure.supxlabel("batch")
    run_file = record.run_file
    title = f"{run_file.objective.name} on {run_file.dataset.name}, seed {record.settings()['seed']}"
    figure.suptitle(title, parse_math=False)
    return save(figure, path)


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
    styles = cycle(("-", "--"))  # so that two curves can be seen where they coincide
    lines = [
        (name, axes.plot(*zip(*points, strict=True), linestyle=next(styles), linewidth=1)[0])
        for name, points in curves.items()
    ]
    axes.set_title(title, fontsize="medium")
    add_legend(axes, lines, fontsize="small", loc="best")
    between = gap(*curves.values()) if len(curves) == 2 else []
    if between:
        gap_axis = axes.twinx()  # an axis of its own, because the gap is often far smaller than the curves
        batches, gaps = zip(*between, strict=True)
        gap_axis.fill_between(batches, 0.0, gaps, alpha=0.2, color="gray")
        gap_axis.set_ylabel("gap: second - first (shaded)", fontsize="small")
