"""The scores of a model card as text: in percent, or in the unit of the metric."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fecbench.results.export.card_schema import CardResultFile


# of the metrics that aren't fractions
UNITS = {
    "nll": "in nats a text",
    "excess_nll": "in nats a text",
    "brier": "summed over labels",
    "manhattan": "summed over labels",
    "entropy_correlation": "from -1 to 1",
}
LOSSES = ("hamming", "nll", "excess_nll", "brier", "manhattan", "ece", "classwise_ece")  # lower is better


def score_values(result: CardResultFile) -> dict[str, Any]:
    """Return the values for the card's template: how to write a score, units, and the metrics of which less is better.

    ``units`` is what follows "Scores in percent".
    """
    metrics = dict.fromkeys(name for scores in result.metrics.by_split().values() for name in scores)
    return {
        "score": score_text,
        "units": "".join(f", `{metric}` {UNITS[metric]}" for metric in metrics if metric in UNITS),
        "losses": [metric for metric in metrics if metric in LOSSES],
    }


def score_text(metric: str, value: float) -> str:
    """Return a score in percent, or as it is if the metric has a unit of its own.

    >>> score_text("macro_f1", 0.4571), score_text("nll", 2.756)
    ('45.71', '2.7560')
    """
    return f"{value:.4f}" if metric in UNITS else f"{100 * value:.2f}"
