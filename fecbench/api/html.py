"""Show runs in a notebook as HTML: scores in a table, the epochs as curves."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from fecbench.results.page.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, chart
from fecbench.results.plots.direct_labels import apart
from fecbench.results.plots.marks import COLOURS
from fecbench.terminal.output import score_columns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fecbench.api.run import Run
    from fecbench.results.page.charts import Chart

SHOWN = 3  # metrics of the curves
DASHES = ("none", "6 3", "2 3")  # so that curves can be seen where they coincide
LETTER, LINE = 7, 13  # width of a letter and distance of two lines, in the units of the drawing


def run_html(run: Run) -> str:
    """Return the HTML of a run: its name, its scores, and its validation scores by epoch."""
    title = f"<b>{escape(run.objective)}</b> on <b>{escape(run.dataset)}</b> <code>{escape(run.id)}</code>"
    return f"<div><p>{title}</p>{_score_table(run.scores)}{_curves(run)}</div>"


def _score_table(scores: Mapping[str, Mapping[str, float]]) -> str:
    metrics = score_columns({name: value for of_split in scores.values() for name, value in of_split.items()})
    head = "".join(f"<th>{escape(name)}</th>" for name in ("split", *metrics))
    rows = "".join(
        f"<tr><th>{escape(split)}</th>{''.join(_cell(of_split.get(name)) for name in metrics)}</tr>"
        for split, of_split in scores.items()
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _cell(score: float | None) -> str:
    return f"<td>{'' if score is None else f'{score:.4f}'}</td>"


def _curves(run: Run) -> str:
    """Return a chart of the first validation scores by epoch; "" before two epochs are there."""
    history = run.history
    names = [name for name in score_columns(run.scores.get("validation", {})) if any(name in row for row in history)]
    curves = {name: [(row["epoch"], row[name]) for row in history if name in row] for name in names[:SHOWN]}
    drawing = chart("validation", "epoch", curves) if len(history) > 1 else None
    return _svg(drawing) if drawing else ""


def _svg(drawing: Chart) -> str:
    width = RIGHT + 12 + LETTER * max(len(curve.name) for curve in drawing.curves)
    parts = [f'<text x="{LEFT}" y="{TOP - LINE}" text-anchor="start">score on validation</text>']
    for tick in drawing.y:
        parts.append(f'<line x1="{LEFT}" x2="{RIGHT}" y1="{tick.at}" y2="{tick.at}" stroke="#bbb"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{tick.at + 4}" text-anchor="end">{tick.text}</text>')
    parts += [f'<text x="{tick.at}" y="{BOTTOM + 17}" text-anchor="middle">{tick.text}</text>' for tick in drawing.x]
    for curve, colour, dash, height in zip(drawing.curves, COLOURS, DASHES, _label_heights(drawing), strict=False):
        points = " ".join(f"{right},{down}" for right, down in curve.points)
        line = f'fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"'
        parts.append(f'<polyline points="{points}" {line}/>')
        parts.append(f'<text x="{RIGHT + 6}" y="{height + 4:.1f}" fill="{colour}">{escape(curve.name)}</text>')
    parts.append(f'<text x="{RIGHT}" y="{BOTTOM + 34}" text-anchor="end">epoch</text>')
    return (
        f'<svg viewBox="0 {-LINE} {width} {HEIGHT + LINE}" width="{width}" font-size="11" font-family="sans-serif" '
        f'fill="currentColor" role="img" aria-label="validation scores by epoch">{"".join(parts)}</svg>'
    )


def _label_heights(drawing: Chart) -> list[float]:
    """Return the height of each curve's name: that of its last point, moved if names would overlap."""
    height = BOTTOM - TOP
    ends = [(curve.points[-1][1] - TOP) / height for curve in drawing.curves]
    return [TOP + height * end for end in apart(ends, LINE / height)]
