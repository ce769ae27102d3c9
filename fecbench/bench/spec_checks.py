"""Check a spec against its rows, before any run is planned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fecbench.core.errors import UnknownName, UsageError
from fecbench.training.metrics import check_metric_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from fecbench.bench.spec import Spec, SpecRow


MOST = 20_000  # runs of a spec


def check_spec(spec: Spec, rows: Sequence[SpecRow], left_out: Collection[str]) -> None:
    """Check sections, metrics, trials and the number of runs of a spec. Its sections may name ``left_out`` methods.

    Raises:
        UsageError: a section names no row, a metric is unknown, the methods have different numbers of trials, a search
            has too few settings to try, or there are too many runs.
    """
    names = [row.name for row in rows]
    _check_sections(spec, names, left_out)
    for metric in spec.metrics:
        check_metric_name(metric)
    _check_trials(spec, names)
    _check_search(spec, names)
    _check_size(spec, rows)


def _check_sections(spec: Spec, names: Sequence[str], left_out: Collection[str]) -> None:
    """Raise UsageError if a section of single rows names another one."""
    sections = {
        "objective": spec.objective,
        "pair": spec.pair,
        "grid.objective": spec.grid.objective,
        "search.objective": spec.search.objective if spec.search else {},
    }
    for section, given in sections.items():
        for name in given:
            if name not in (*names, *left_out):
                unknown = UnknownName("method or row", name, names, where="of the spec")
                raise UsageError(f"[{section}.{name}]: {unknown}")


def _check_trials(spec: Spec, names: Iterable[str]) -> None:
    """Raise UsageError if methods differ in their number of trials, or one has none."""
    trials = {name: spec.trials(name) for name in names}
    if len({*trials.values()}) > 1 or 0 in trials.values():
        counts = ", ".join(f"{name} has {number}" for name, number in trials.items())
        raise UsageError(
            f"[grid]: every method must have the same number of trials, and one at least, but {counts}; "
            "give each the same number of values"
        )


def _check_search(spec: Spec, names: Iterable[str]) -> None:
    """Raise UsageError if a row has nothing to search, or fewer different trials than it is given."""
    search = spec.search
    if search is None:
        return
    for name in names:
        size = search.size(name)
        if not search.space(name):
            raise UsageError(f"[search]: every row must have a setting to search, but {name} has none; give it one")
        if size < search.trials:
            raise UsageError(
                f"[search]: {name} must have at least {search.trials} different trials, but has {size}; lower "
                "trials, or use [grid], which tries each once"
            )


def _check_size(spec: Spec, rows: Iterable[SpecRow]) -> None:
    """Raise UsageError for more than ``MOST`` runs, before they are planned: grids multiply fast."""
    count = sum(
        spec.trials(row.name) * len(seeds) * (spec.folds_of(dataset) or 1)
        for row in rows
        for dataset, seeds in spec.seeds_of(row).items()
    )
    if count > MOST:
        raise UsageError(
            f"a spec may have at most {MOST:,} runs, but its rows, data sets, seeds, folds and trials of "
            f"{'[search]' if spec.search else '[grid]'} multiply to {count:,}; leave out some of them"
        )
