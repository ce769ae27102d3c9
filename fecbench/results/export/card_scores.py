"""The scores of a model card as text: in percent, or in the unit of the metric."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fecbench.results.shown_metrics import PERCENT, figure, shown

if TYPE_CHECKING:
    from fecbench.results.export.card_schema import CardResultFile


def score_values(result: CardResultFile) -> dict[str, Any]:
    """Return the values for the card's template: how to write a score, units, and the metrics of which less is better.

    ``units`` is what follows "Scores in percent".
    """
    scores = result.metrics.by_split().values()
    metrics = {name: shown(name) for of_split in scores for name in of_split}
    return {
        "score": lambda name, value: figure(value, metrics[name].unit),
        "units": "".join(f", `{name}` in {metric.unit}" for name, metric in metrics.items() if metric.unit != PERCENT),
        "losses": [name for name, metric in metrics.items() if metric.lower],
    }
