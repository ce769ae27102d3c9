"""Choose the columns of a table and their order."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fecbench.results.leaderboard.extra_scores import CLASS_F1, is_extra

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from fecbench.results.leaderboard.board import Table


def with_columns(table: Table, metrics: Sequence[str] = (), extra: Sequence[str] = ()) -> Table:
    """Return the table with the columns of ``metrics``, then those of ``extra``, for each data set.

    Args:
        table: the table.
        metrics: names of metrics in order; empty for all that aren't extra ones.
        extra: names of extra scores in order. Here and in ``metrics`` ``class_f1`` stands for those of all labels.
    """
    if not metrics and not extra:
        return table
    return with_places(
        table,
        [place for dataset in range(len(table.datasets)) for place in _of_dataset(table, dataset, metrics, extra)],
    )


def with_places(table: Table, places: Sequence[int]) -> Table:
    """Return the table with the columns at ``places``, in this order."""
    frequent = table.most_frequent
    return replace(
        table,
        columns=tuple(table.columns[place] for place in places),
        gains=tuple(replace(gain, values=tuple(gain.values[place] for place in places)) for gain in table.gains),
        most_frequent=frequent and replace(frequent, values=tuple(frequent.values[place] for place in places)),
    )


def _of_dataset(table: Table, dataset: int, metrics: Sequence[str], extra: Sequence[str]) -> list[int]:
    """Return the places of a data set's columns in their new order."""
    places = {column.metric: place for place, column in enumerate(table.columns) if column.dataset == dataset}
    main = columns_of(metrics, places) if metrics else [name for name in places if not is_extra(name)]
    return [places[name] for name in dict.fromkeys((*main, *columns_of(extra, places)))]


def columns_of(wanted: Iterable[str], known: Iterable[str]) -> Iterator[str]:
    """Yield the known columns that wanted names stand for.

    >>> list(columns_of(["class_f1", "nll"], ["accuracy", "class_f1:glad", "class_f1:sad"]))
    ['class_f1:glad', 'class_f1:sad']
    """
    for name in wanted:
        yield from (one for one in known if one == name or (name == CLASS_F1 and one.startswith(f"{CLASS_F1}:")))
