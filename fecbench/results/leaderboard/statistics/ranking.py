"""Rank the rows of a table: the best and second of each column, and a method's gain over the best baseline."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from fecbench.core.text import shortened
from fecbench.results.leaderboard.board import Gain
from fecbench.results.leaderboard.extra_scores import is_cost
from fecbench.results.leaderboard.rows.variants import families, parent
from fecbench.results.leaderboard.statistics.paired_tests import ROUNDING
from fecbench.results.shown_metrics import BESIDE, MAIN, shown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from fecbench.data.datasets.dataset import Labelling
    from fecbench.results.leaderboard.board import Row


def metrics_of(
    rows: Sequence[Row], dataset: int, labelling: Labelling = "single", named: Collection[str] = ()
) -> tuple[str, ...]:
    """Return the metrics of the columns of a data set: the main ones, then others that rows have, by name.

    Records of texts with several labels hold many metrics; those beside the main ones are shown if they are ``named``.
    """
    main = MAIN[labelling]
    hidden = BESIDE.difference(named) if labelling == "multi" else ()
    others = {metric for row in rows for metric in row.cells[dataset].scores}.difference(main, hidden)
    return (*main, *sorted(others))


def means(rows: Sequence[Row], dataset: int, metric: str) -> dict[int, float]:
    """Return the mean score of each row that has one, by the row's number."""
    scores = {number: row.cells[dataset].scores.get(metric) for number, row in enumerate(rows)}
    return {number: score.mean for number, score in scores.items() if score}


def ranked(
    found: dict[int, float], groups: Sequence[Sequence[int]], lower: bool = False
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the best and the second rows of every group, by their means; with ``lower``, the lowest is best.

    >>> ranked({0: 0.5, 1: 0.7, 2: 0.9, 3: 0.6}, [(0, 1), (2, 3)])
    ((1, 2), (0, 3))
    >>> ranked({0: 0.5, 1: 0.7, 2: 0.9, 3: 0.6}, [(0, 1), (2, 3)], lower=True)
    ((0, 3), (1, 2))
    """
    sign = -1 if lower else 1
    each = [first_and_second({number: sign * found[number] for number in group if number in found}) for group in groups]
    best = tuple(sorted(number for firsts, _ in each for number in firsts))
    second = tuple(sorted(number for _, seconds in each for number in seconds))
    return best, second


def first_and_second(found: dict[int, float]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the rows with the highest and with the second highest mean.

    Rows of equal means share a rank, up to rounding. A single row has no rank.

    >>> first_and_second({0: 0.5, 1: 0.7, 2: 0.5})
    ((1,), (0, 2))
    >>> first_and_second({0: 0.4000000000000001, 1: 0.39999999999999997})
    ((0, 1), ())
    >>> first_and_second({0: 0.5})
    ((), ())
    """
    if len(found) < 2:
        return (), ()
    first = highest(found)
    return first, highest({number: mean for number, mean in found.items() if number not in first})


def highest(found: Mapping[int, float]) -> tuple[int, ...]:
    """Return the rows with the highest mean; empty without rows."""
    best = max(found.values(), default=0.0)
    return tuple(number for number, mean in found.items() if best - mean <= ROUNDING)


def exceeds(mean: float, other: float) -> bool:
    """Return True if ``mean`` is higher by more than rounding: the mean of equal sums depends on their order."""
    return mean - other > ROUNDING


def comparable(rows: Sequence[Row], declared: bool, one: int, other: int, dataset: int) -> bool:
    """Return True if two rows may be compared on a data set.

    They may where both have scores, if their encoders and budgets are equal or a spec declares its rows.
    """
    first, second = rows[one].cells[dataset], rows[other].cells[dataset]
    return bool(first.scores and second.scores) and (declared or first.conditions == second.conditions)


def groups(rows: Sequence[Row], declared: bool, dataset: int) -> tuple[tuple[int, ...], ...]:
    """Group the rows with scores on a data set, so that the rows of a group may be compared with one another.

    Ranks and tests hold within a group.
    """
    left, found = [number for number, row in enumerate(rows) if row.cells[dataset].scores], []
    while left:  # one row can stand for its group, because comparability is an equivalence
        found.append(tuple(number for number in left if comparable(rows, declared, left[0], number, dataset)))
        left = [number for number in left if number not in found[-1]]
    return tuple(found)


def methods(rows: Sequence[Row], against: str) -> list[int]:
    """Return the rows named ``against``; if there is none, the rows of the objective ``against``."""
    named = [number for number, row in enumerate(rows) if row.name == against]
    return named or [number for number, row in enumerate(rows) if row.objective == against]


def relative_gain(mean: float, others: Sequence[float], lower: bool = False) -> float | None:
    """Return the gain of ``mean`` over the best of ``others``, relative to that one; None if it isn't ahead.

    A lead within rounding is none. With ``lower`` the lowest is best, and a gain is negative.

    >>> round(relative_gain(0.6552, [0.5952, 0.6057]), 4)
    0.0817
    >>> relative_gain(0.5, [0.5])
    >>> relative_gain(1.5, [2.0, 3.0], lower=True)
    -0.25
    """
    if lower:
        best = min(others, default=0.0)
        return mean / best - 1 if exceeds(best, mean) else None
    best = max(others, default=0.0)
    return mean / best - 1 if exceeds(mean, best) and best > 0 else None  # a gain over a score of 0 has no finite value


def gains(
    rows: Sequence[Row], columns: Sequence[tuple[int, str]], declared: bool, against: str
) -> tuple[tuple[Gain, ...], tuple[str, ...]]:
    """Return the gain of each row that ``against`` names over the best comparable baseline, and notes.

    Baselines are rows of other methods. Variants of the method don't count as baselines (``families``). If two rows
    that ``against`` names may be compared with one another, it is unclear which one is meant: no row has a gain then,
    and a note says so.
    """
    chosen, datasets = methods(rows, against), dict.fromkeys(dataset for dataset, _ in columns)
    if pairs := _ambiguous(rows, chosen, datasets, declared):
        return (), (_ambiguity(rows, pairs, against),)
    if not chosen or len(rows) == 1:
        return (), ()
    kin = families(rows)
    others = {number: _others(rows, kin, number, declared, datasets) for number in chosen}
    alone = [rows[number].name for number, (baselines, variants) in others.items() if variants and not baselines]
    found = tuple(
        Gain(number, tuple(_gain(rows, number, column, baselines, declared) for column in columns))
        for number, (baselines, variants) in others.items()
        if baselines
    )
    notes = [
        f"no Δ for {name}: all rows comparable with it are its variants, which don't count as baselines"
        for name in dict.fromkeys(alone)
    ]
    return found, (*notes, *_unknown(rows, {other for baselines, _ in others.values() for other in baselines}))


def _ambiguous(
    rows: Sequence[Row], chosen: Sequence[int], datasets: Collection[int], declared: bool
) -> list[tuple[int, int]]:
    """Return the pairs of chosen rows that may be compared with one another on some data set."""
    return [
        (one, other)
        for one, other in combinations(chosen, 2)
        if any(comparable(rows, declared, one, other, dataset) for dataset in datasets)
    ]


def _ambiguity(rows: Sequence[Row], pairs: Sequence[tuple[int, int]], against: str) -> str:
    """Return the note that several rows could be the one that has a gain, and what to do."""
    found = [rows[number] for number in sorted({number for pair in pairs for number in pair})]
    if any(rows[one].name == rows[other].name for one, other in pairs):  # they differ in nothing but the batch size
        names = [f"{row.name!r} with batch {' / '.join(map(str, row.setting('batch_size')))}" for row in found]
        remedy = "show one with --best-trial, or give the folders of its runs alone"
    else:
        names, remedy = [repr(row.name) for row in found], "choose one with --against"
    return f"no Δ: several rows are of {against} ({', '.join(dict.fromkeys(names))}); {remedy}"


def _others(
    rows: Sequence[Row], kin: Sequence[str], number: int, declared: bool, datasets: Iterable[int]
) -> tuple[list[int], list[int]]:
    """Return the baselines of a row among the rows comparable with it, and the variants of its method.

    In a table of a single method, such as a study of its settings, its other rows are the baselines.
    """
    rest = [
        other
        for other in range(len(rows))
        if other != number and any(comparable(rows, declared, number, other, dataset) for dataset in datasets)
    ]
    strangers = [other for other in rest if kin[other] != kin[number]]
    same = [other for other in rest if rows[other].objective == rows[number].objective]
    return strangers or same, [other for other in rest if other not in (*strangers, *same)]


def _unknown(rows: Sequence[Row], baselines: Iterable[int]) -> list[str]:
    """Return a note on baselines that could be variants of the compared method."""
    names = [rows[number].name for number in sorted(baselines) if parent(rows[number]) is None]
    if not names:
        return []
    return [
        f"Δ counts {shortened(names)} as baseline, which may be wrong: the older records don't state whether the "
        "method is a variant, and it isn't installed here"
    ]


def _gain(
    rows: Sequence[Row], number: int, column: tuple[int, str], baselines: Sequence[int], declared: bool
) -> float | None:
    if is_cost(column[1]):
        return None
    found = means(rows, *column)
    others = [
        found[other] for other in baselines if other in found and comparable(rows, declared, number, other, column[0])
    ]
    return relative_gain(found[number], others, shown(column[1]).lower) if number in found else None
