"""How a run's losses and other logged numbers moved over its batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fecbench import objective
from fecbench.errors import RunError
from fecbench.plots.saving import save

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from fecbench.runs import Record


def draw_dynamics(record: Record, path: Path) -> Path:
    """Draw how a run's logged numbers moved over its batches, in the panels that its objective declares, to ``path``.

    Where a panel has two curves the gap between them is shaded, on a scale of its own. (For AML that is Figure 3 of its paper.)

    Raises:
        RunError: the run has logged nothing that could be drawn, or the picture can't be written.
    """
    from matplotlib.figure import Figure  # never pyplot: it keeps figures, and asks for a display

    curves = series(record)
    panels = drawn_panels(objective.named(record.about["objective"]["name"]).panels, curves)
    if not panels:
        raise RunError(f"{record.folder} must have logged batches to draw, but its history holds none; run it, or choose another run")
    figure = Figure(figsize=(7, 2.4 * len(panels)), layout="constrained")
    for axes, (title, names) in zip(figure.subplots(len(panels), squeeze=False)[:, 0], panels.items(), strict=True):
        _draw(axes, title, {name: curves[name] for name in names})
    figure.supxlabel("batch")
    figure.suptitle(f"{record.about['objective']['name']} on {record.about['dataset']['name']}, seed {record.settings()['seed']}")
    return save(figure, path)


def series(record: Record) -> dict[str, list[tuple[int, float]]]:
    """Every logged number by name: (batch from the start of training, mean since the last entry)."""
    events = [event for event in record.history() if event["event"] == "updates"]
    per_epoch = max((event["step"] for event in events), default=0)
    found: dict[str, list[tuple[int, float]]] = {}
    for event in events:
        for name, value in event["logs"].items():
            found.setdefault(name, []).append(((event["epoch"] - 1) * per_epoch + event["step"], value))
    return found


def drawn_panels(declared: Mapping[str, Sequence[str]], logged: Mapping[str, object]) -> dict[str, list[str]]:
    """The declared panels, of what was logged; without any, all losses in one.

    >>> drawn_panels({"scores": ("s+", "s-")}, {"model_loss": 1, "s+": 2})
    {'scores': ['s+']}
    >>> drawn_panels({}, {"model_loss": 1, "s+": 2})
    {'loss': ['model_loss']}
    """
    panels = {title: [name for name in names if name in logged] for title, names in declared.items()}
    losses = {"loss": [name for name in logged if name.endswith("_loss")]}
    return {title: names for title, names in panels.items() if names} or {title: names for title, names in losses.items() if names}


def _draw(axes: Axes, title: str, curves: Mapping[str, Sequence[tuple[int, float]]]) -> None:
    for name, points in curves.items():
        axes.plot(*zip(*points, strict=True), label=name, linewidth=1)
    axes.set_title(title, fontsize="medium")
    axes.legend(fontsize="small", loc="center right")
    if len(curves) == 2:
        (batches, one), (_, other) = (zip(*points, strict=True) for points in curves.values())
        gap = axes.twinx()  # often far smaller than the curves
        gap.fill_between(batches, 0.0, [b - a for a, b in zip(one, other, strict=True)], alpha=0.2, color="gray")
        gap.set_ylabel("gap (second - first)", fontsize="small")
