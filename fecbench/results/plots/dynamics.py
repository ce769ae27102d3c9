"""How a run's losses and other logged numbers moved over its batches."""

from __future__ import annotations

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
    """Draw how a run's logged numbers moved over its batches, in the panels that its objective declares, to ``path``.

    Where a panel has two curves the gap between them, at the batches that both have, is shaded, on a scale of its own. (For AML that is
    Figure 3 of its paper.)

    Raises:
        RunError: the run has logged nothing that could be drawn, its history is broken, or the picture can't be written.
    """
    from matplotlib.figure import Figure  # never pyplot: it keeps figures, and asks for a display

    check_target(path)
    curves = series(record)
    panels = drawn_panels(get_objective(record.run_file.objective.name).panels, curves)
    if not panels:
        raise RunError(
            f"{record.folder} must have logged batches to draw, but its history holds none; run it, or choose another run"
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
    """Every logged number by name: (batch from the start of training, mean since the last entry).

    Raises:
        RunError: an event lacks its batch or its numbers.
    """
    return logged_series(record, record.history())


def logged_series(record: Record, history: Iterable[Mapping[str, Any]]) -> dict[str, list[tuple[int, float]]]:
    """Return the same from the record's ``history``, which was read already."""
    events = [event for event in history if event["event"] == "updates"]
    if not all(_is_whole(event) for event in events):
        raise RunError(
            f"{record.folder / HISTORY} must give every entry of `updates` a step and logs, numbers by name; restore it, or run it again"
        )
    per_epoch = max((event["step"] for event in events), default=0)
    found: dict[str, list[tuple[int, float]]] = {}
    for event in events:
        for name, value in event["logs"].items():
            found.setdefault(name, []).append(((event["epoch"] - 1) * per_epoch + event["step"], value))
    return found


def _is_whole(event: Mapping[str, Any]) -> bool:
    step, logs = event.get("step"), event.get("logs")
    return (
        isinstance(step, int)
        and isinstance(logs, dict)
        and all(isinstance(value, int | float) for value in logs.values())
    )


def gap(first: Curve, second: Curve) -> list[tuple[int, float]]:
    """``second`` minus ``first`` at the batches that both have.

    >>> gap([(1, 2.0), (2, 3.0), (4, 5.0)], [(2, 4.0), (3, 9.0), (4, 4.5)])
    [(2, 1.0), (4, -0.5)]
    """
    values = dict(first)
    return [(batch, value - values[batch]) for batch, value in second if batch in values]


def drawn_panels(declared: Mapping[str, Sequence[str]], logged: Mapping[str, object]) -> dict[str, list[str]]:
    """The declared panels, of what was logged; without any, all losses in one.

    >>> drawn_panels({"scores": ("s+", "s-")}, {"model_loss": 1, "s+": 2})
    {'scores': ['s+']}
    >>> drawn_panels({}, {"model_loss": 1, "s+": 2})
    {'loss': ['model_loss']}
    """
    panels = {title: [name for name in names if name in logged] for title, names in declared.items()}
    losses = {"loss": [name for name in logged if name.endswith("_loss")]}
    return {title: names for title, names in panels.items() if names} or {
        title: names for title, names in losses.items() if names
    }


def _draw(axes: Axes, title: str, curves: Mapping[str, Curve]) -> None:
    lines = [(name, axes.plot(*zip(*points, strict=True), linewidth=1)[0]) for name, points in curves.items()]
    axes.set_title(title, fontsize="medium")
    add_legend(axes, lines, fontsize="small", loc="center right")
    between = gap(*curves.values()) if len(curves) == 2 else []
    if between:
        aside = axes.twinx()  # often far smaller than the curves
        batches, gaps = zip(*between, strict=True)
        aside.fill_between(batches, 0.0, gaps, alpha=0.2, color="gray")
        aside.set_ylabel("gap (second - first)", fontsize="small")
