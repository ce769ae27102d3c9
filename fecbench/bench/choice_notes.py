"""Say in a note which settings were tried for a row, and which ones validation chose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fecbench.runs.local_paths import name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fecbench.bench.matrix_entry import MatrixEntry
    from fecbench.bench.planned_run import PlannedRun


def choice_note(entry: MatrixEntry, score: Callable[[PlannedRun], float | None]) -> str:
    """Return a note on a grid or search: its candidates, the chosen one and the state of its trials."""
    complete = sum(score(seeds[0]) is not None for seeds in entry.runs)
    chosen = entry.chosen(score)
    tried = _tried(entry)
    folds = entry.runs[0][0].plan.settings.folds
    trials = f"first seed{'' if folds is None else ' and fold'}; {complete} of {entry.trials} trials complete"
    where = f"{entry.row} on {name_of('dataset', entry.dataset)}"
    if chosen is None:
        return f"{where}: validation has not chosen yet among {tried} ({trials})"
    return f"{where}: validation chose {_words(entry.candidates[chosen])} among {tried} ({trials})"


def _tried(entry: MatrixEntry) -> str:
    """Return the candidates of a grid, or the distributions of a search, in words."""
    if entry.search is None:
        return " | ".join(_words(candidate) for candidate in entry.candidates)
    sampler = entry.search.sampler
    how = {"tpe": "proposed by TPE", "random": "drawn at random"}[sampler.search.sampler]
    space = {name: distribution.words(name) for name, distribution in sampler.space.items()}
    return f"{entry.trials} trials {how} from {_words(space)}"


def _words(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in settings.items())
