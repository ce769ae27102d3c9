"""Test in each column the best row of each group against the group's other rows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from statistics import fmean
from typing import TYPE_CHECKING, Any

from fecbench.core.errors import RunError
from fecbench.results.leaderboard.board import Comparison
from fecbench.results.leaderboard.run import silent
from fecbench.results.leaderboard.statistics.block_tests import blocks_of, over_blocks
from fecbench.results.leaderboard.statistics.cached_tests import cached_test
from fecbench.results.leaderboard.statistics.label_set_outcomes import BY_LABEL_SETS, label_sets, of_label_sets
from fecbench.results.leaderboard.statistics.outcomes import BY_COUNTS, of_predictions, predictions
from fecbench.results.leaderboard.statistics.paired_tests import holm, over_examples, over_seeds
from fecbench.results.leaderboard.statistics.ranking import exceeds, groups, highest, means
from fecbench.results.shown_metrics import shown
from fecbench.training.block_scores import BLOCK_METRICS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from fecbench.results.leaderboard.board import Cell, Row
    from fecbench.results.leaderboard.run import Report, Run


LEAST_SEEDS = 3  # with fewer, the table says that it can't tell (ADR 12)
TESTED = {"single": BY_COUNTS, "multi": (*BY_LABEL_SETS, *BLOCK_METRICS)}
# by labelling: the function that reads the predictions of a run, and the one that joins those of several
READERS: dict[str, tuple[Callable[[Run], Any], Callable[[list[Run], list[Any]], Any]]] = {
    "single": (predictions, of_predictions),
    "multi": (label_sets, of_label_sets),
}


@dataclass(frozen=True)
class Tests:
    """Tests of pairs of rows. A permutation test serves all metrics of a pair; a run's predictions are read once."""

    rows: Sequence[Row]
    declared: bool
    report: Report = silent
    _done: dict[frozenset[Path], Mapping[str, float] | str] = field(default_factory=dict)
    _read: dict[Path, Any] = field(default_factory=dict)

    def column(self, dataset: int, metric: str, progress: str = "") -> tuple[Comparison, ...]:
        """Test the best row of each group against its others; correct for the number of pairs in the column.

        ``progress`` tells in the reports which column of the table this is.
        """
        pairs = self._pairs(dataset, metric)
        found = []
        for number, (best, other) in enumerate(pairs, 1):
            counted = f" ({progress}, pair {number} of {len(pairs)})" if progress else ""
            found.append(self._pair(dataset, metric, best, other, counted))
        tested = [comparison for comparison in found if comparison.p is not None]
        corrected = iter(holm([comparison.p for comparison in tested if comparison.p is not None]))
        return tuple(
            comparison if comparison.p is None else replace(comparison, holm=next(corrected)) for comparison in found
        )

    def _pairs(self, dataset: int, metric: str) -> list[tuple[int, int]]:
        """Return the pairs (best, other) of each group; among equal means the first row counts as best."""
        known, found = means(self.rows, dataset, metric), []
        for group in groups(self.rows, self.declared, dataset):
            scored = {number: _ahead(metric) * known[number] for number in group if number in known}
            best = min(highest(scored), default=None)
            found += [(best, number) for number in scored if best is not None and number != best]
        return found

    def _pair(self, dataset: int, metric: str, best: int, other: int, counted: str) -> Comparison:
        cells = self.rows[best].cells[dataset], self.rows[other].cells[dataset]
        scores = [cell.scores[metric].seeds for cell in cells]
        seeds = tuple(seed for seed in scores[0] if seed in scores[1])
        if metric not in TESTED[cells[0].runs[0].labelling]:
            return Comparison(best, other, seeds, reason="there is no test for this metric")
        what = "folds" if _folds(cells[0]) else "seeds"
        if len(seeds) < LEAST_SEEDS:
            return Comparison(best, other, seeds, reason=f"a test needs {LEAST_SEEDS} {what} that both rows have")
        differences = [scores[0][seed] - scores[1][seed] for seed in seeds]
        # The best has the best mean over all its seeds, but the test is over the common ones.
        if exceeds(0.0, _ahead(metric) * fmean(differences)):
            return Comparison(best, other, seeds, reason=f"the best isn't ahead on the {what} that both rows have")
        runs = [_of_seeds(cell, seeds) for cell in cells]
        names = f"{self.rows[best].name} against {self.rows[other].name}"
        self.report(f"testing {names} over examples and {what}{counted}")
        p_examples = self._examples(metric, fmean(differences), *runs)
        if isinstance(p_examples, str):
            return Comparison(best, other, seeds, reason=p_examples)
        first, second = ([of[seed] for seed in seeds] for of in scores)
        p_seeds = over_seeds(first, second, overlap(cells[0]))
        return Comparison(best, other, seeds, _examples(runs[0]), p_examples, p_seeds)

    def _examples(self, metric: str, difference: float, first: list[Run], second: list[Run]) -> float | str:
        """Return the p-value of the test over test examples, or the reason why it isn't possible."""
        if metric in BLOCK_METRICS:
            try:
                return over_blocks(difference, blocks_of(metric, first, second))
            except RunError as error:
                return str(error)
        tested = self._over_examples(first, second)
        return tested if isinstance(tested, str) else tested[metric]

    def _over_examples(self, first: list[Run], second: list[Run]) -> Mapping[str, float] | str:
        """Return the p-values by metric of the permutation test, or the reason why it isn't possible."""
        key = frozenset(run.record.folder for run in (*first, *second))  # the test is two-sided: order doesn't matter
        if key not in self._done:
            try:
                self._done[key] = cached_test(
                    first, second, lambda: over_examples(self._outcomes(first), self._outcomes(second))
                )
            except RunError as error:
                self._done[key] = str(error)
        return self._done[key]

    def _outcomes(self, runs: list[Run]) -> Any:
        _, joined = READERS[runs[0].labelling]
        return joined(runs, [self._predicted(run) for run in runs])

    def _predicted(self, run: Run) -> Any:
        folder, (read, _) = run.record.folder, READERS[run.labelling]
        if folder not in self._read:
            try:
                self._read[folder] = read(run)
            except RunError as error:
                self._read[folder] = error
        found = self._read[folder]
        if isinstance(found, RunError):
            raise found
        return found


def _ahead(metric: str) -> int:
    """Return the sign of a difference by which the first of two scores is better."""
    return -1 if shown(metric).lower else 1


def _of_seeds(cell: Cell, seeds: Sequence[int | str]) -> list[Run]:
    runs = {run.repetition: run for run in cell.runs}
    return [runs[seed] for seed in seeds]


def _folds(cell: Cell) -> int | None:
    """Return the number of folds of a cross-validation; None without one."""
    folds: int | None = cell.settings.get("folds")
    return folds


def overlap(cell: Cell) -> float:
    """Return the ratio of test rows to the other rows in a cross-validation; 0 without one."""
    folds = _folds(cell)
    return 0.0 if folds is None else 1 / (folds - 1)


def _examples(runs: Sequence[Run]) -> int:
    """Return the number of test examples, of all folds together."""
    return sum(run.test_rows for run in {run.fold: run for run in runs}.values())
