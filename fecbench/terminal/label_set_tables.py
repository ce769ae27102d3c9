"""Print the sets of labels of data sets whose texts can have several, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fecbench.data.datasets.measures.set_numbers import NO_LABEL
from fecbench.terminal.echo import echo
from fecbench.terminal.output import print_table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fecbench.data.datasets.measures.label_sets import LabelSets
    from fecbench.data.datasets.measures.statistics import Statistics


def print_label_sets(one: Statistics) -> None:
    """Print sizes of the training rows' sets of labels, frequent sets, and labels that go together, if there are any.

    Nothing is printed if each text has one label.
    """
    if one.label_sets is None:
        return
    _print_sizes(one.data.name, one.label_sets, one.rows["train"])
    _print_frequent(one.data.name, one.label_sets, one.rows["train"])
    _print_pairs(one.data.name, one.label_sets)
    if one.label_sets.entropy is not None:
        echo(
            f"Entropy of the shares in {one.data.name}: {one.label_sets.entropy:.4f} nats a training row on average, "
            "the least negative log-likelihood that a model can have"
        )


def _print_sizes(name: str, sets: LabelSets, rows: int) -> None:
    echo("")
    print_table(
        ["labels", "rows", "% of train"],
        [[size, count, _percent(count, rows)] for size, count in sets.sizes.items()],
        f"Training rows of {name} by their number of labels ({sets.mean:.4f} on average, {len(sets.rows):,} different "
        "sets)",
    )


def _print_frequent(name: str, sets: LabelSets, rows: int) -> None:
    echo("")
    print_table(
        ["set of labels", "rows", "% of train"],
        [[_words(labels), count, _percent(count, rows)] for labels, count in sets.frequent()],
        f"Most frequent sets of labels in train of {name}",
    )


def _print_pairs(name: str, sets: LabelSets) -> None:
    pairs = sets.together()
    if not pairs:
        return
    echo("")
    print_table(
        ["labels", "rows with both", "strength"],
        [[_words(labels), rows, round(strength, 4)] for labels, rows, strength in pairs],
        f"Labels that go together most in train of {name} (strength: rows with both, divided by the root of the "
        "product of their rows)",
    )


def _words(labels: Iterable[str]) -> str:
    return ", ".join(labels) or NO_LABEL


def _percent(rows: int, of: int) -> float:
    return round(100 * rows / of, 2)
