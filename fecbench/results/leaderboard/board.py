"""What a leaderboard is: plain frozen data that every format reads, with all that a page may show.

Scores are fractions between 0 and 1; formats turn them into percent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fecbench.results.leaderboard.run import Run


BUDGET = ("epochs", "patience", "limit")
COMPARED = ("encoder", *BUDGET)
CONDITIONS = (*COMPARED, "batch_size")  # how many texts meet in a batch is a method's own choice, but worth a column
ALPHA = 0.05


@dataclass(frozen=True)
class Score:
    """One metric of one row on one data set.

    Attributes:
        mean: over the seeds.
        std: sample standard deviation over the seeds; None for a single one.
        seeds: every seed's own score; empty where only mean and spread were published.
    """

    mean: float
    std: float | None
    seeds: Mapping[int, float] = field(default_factory=dict)

    @classmethod
    def of(cls, seeds: Mapping[int, float]) -> Score:
        """The score of at least one seed.

        >>> Score.of({0: 0.5, 1: 0.7}).mean
        0.6
        """
        return cls(
            fmean(seeds.values()), stdev(seeds.values()) if len(seeds) > 1 else None, dict(sorted(seeds.items()))
        )


@dataclass(frozen=True)
class Missing:
    """A run that the table wants and hasn't.

    Attributes:
        seed: its seed; None where the whole cell isn't there.
        reason: in words.
    """

    seed: int | None
    reason: str


def condition(settings: Mapping[str, Any], key: str) -> Any:
    """What counts of a setting of encoder or budget: patience that can stop no run, since the first epoch is always the best yet, doesn't.

    >>> [condition({"epochs": 3, "patience": patience}, "patience") for patience in (1, 2, 20)]
    [1, None, None]
    """
    value = settings.get(key)
    return None if key == "patience" and value and value >= settings.get("epochs", math.inf) - 1 else value


@dataclass(frozen=True)
class Cell:
    """A row on one data set.

    Attributes:
        scores: by metric.
        settings: what the row's runs there have in common, encoder and budget among them.
        runs: behind the scores, by seed; none for published figures.
        missing: what was wanted and isn't there.
        footnote: what must be said of these figures.
    """

    scores: Mapping[str, Score]
    settings: Mapping[str, Any]
    runs: tuple[Run, ...] = ()
    missing: tuple[Missing, ...] = ()
    footnote: str = ""

    @property
    def conditions(self) -> tuple[Any, ...]:
        """Encoder and budget: rows are compared where these are equal."""
        return tuple(map(self.condition, COMPARED))

    def condition(self, key: str) -> Any:
        """What counts of a setting of encoder or budget (:func:`condition`); a limit that left no training row out doesn't."""
        return self.runs[0].condition(key) if self.runs else condition(self.settings, key)


@dataclass(frozen=True)
class Row:
    """A method.

    Attributes:
        name: what stands in the table.
        objective: the method's registered name; empty for a published row.
        cells: one for each of the table's data sets.
    """

    name: str
    objective: str
    cells: tuple[Cell, ...]

    def setting(self, key: str) -> tuple[Any, ...]:
        """The values of a setting over the data sets, each once; none where nothing was run."""
        return tuple(dict.fromkeys(cell.settings[key] for cell in self.cells if key in cell.settings))

    def condition(self, key: str) -> tuple[Any, ...]:
        """The same of what counts of a condition (:meth:`Cell.condition`)."""
        return tuple(dict.fromkeys(cell.condition(key) for cell in self.cells if key in cell.settings))


@dataclass(frozen=True)
class Comparison:
    """Whether the best row of a group of a column is significantly better than another one of the group.

    The claim is "better on other examples and under other seeds", so that ``p`` is the larger of two p-values: of a permutation test over
    test examples and of a paired t-test over seeds.

    Attributes:
        best: number of the group's best row.
        other: number of the other row.
        seeds: that both have.
        examples: number of test examples.
        p_examples: of the permutation test.
        p_seeds: of the t-test.
        holm: the larger of the two, corrected for the number of pairs in the column (Holm 1979).
        reason: why nothing can be told; then the p-values are None.
    """

    best: int
    other: int
    seeds: tuple[int, ...] = ()
    examples: int = 0
    p_examples: float | None = None
    p_seeds: float | None = None
    holm: float | None = None
    reason: str = ""

    @property
    def p(self) -> float | None:
        """The larger p-value, uncorrected; None where nothing can be told."""
        return None if self.p_examples is None or self.p_seeds is None else max(self.p_examples, self.p_seeds)

    @property
    def significant(self) -> bool | None:
        """Whether the best is better at level 0.05; None where nothing can be told."""
        return None if self.holm is None else self.holm < ALPHA


@dataclass(frozen=True)
class Column:
    """One metric on one data set.

    Attributes:
        dataset: number of the data set in the table.
        metric: the metric's registered name; ``label`` is what stands in the head.
        best: numbers of the rows with the highest mean of their group; none of a group in which fewer than two rows have a score.
        second: numbers of the rows with the next one of their group.
        comparisons: of a group's best with each other row of the group.
        groups: numbers of the rows that may be compared with one another, a group each: of equal encoder and budget, or all of a spec
            that declares its rows.
    """

    dataset: int
    metric: str
    label: str
    best: tuple[int, ...]
    second: tuple[int, ...]
    comparisons: tuple[Comparison, ...] = ()
    groups: tuple[tuple[int, ...], ...] = ()

    def group(self, row: int) -> int | None:
        """The number of a row's group, from 1; None where it has no score on the data set."""
        return next((number for number, rows in enumerate(self.groups, 1) if row in rows), None)

    def beaten(self, row: int) -> bool:
        """Whether the best is significantly better than ``row``."""
        return any(comparison.other == row and comparison.significant for comparison in self.comparisons)


@dataclass(frozen=True)
class DatasetVersion:
    """One fixed set of rows; a group of columns.

    Attributes:
        name: the data set's name.
        title: its long name.
        fingerprint: of its rows; empty where nothing was run, and for published figures.
        revision: which rows these are, in words; empty for measured figures, whose fingerprint says it.
    """

    name: str
    title: str
    fingerprint: str
    revision: str = ""


@dataclass(frozen=True)
class Gain:
    """By how much a row is ahead of the best baseline: the best row of another method, its own variants left out.

    Attributes:
        row: its number.
        values: relative gain (0.08 is 8 %) for each column of the table; None where the row isn't best.
    """

    row: int
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class Table:
    """Rows that stand side by side.

    Attributes:
        title: what stands above.
        datasets: groups of columns.
        columns: in order, data set by data set.
        rows: methods.
        gains: last rows: by how much a method is ahead.
        declared: whether all rows may be compared, whatever their encoders and budgets.
        notes: what a reader must be told.
    """

    title: str
    datasets: tuple[DatasetVersion, ...]
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    gains: tuple[Gain, ...] = ()
    declared: bool = False
    notes: tuple[str, ...] = ()

    def score(self, row: int, column: Column) -> Score | None:
        """The score of a row in a column; None where it has none."""
        return self.rows[row].cells[column.dataset].scores.get(column.metric)

    def scores(self) -> Iterator[Score]:
        """Every score of the table."""
        for row in self.rows:
            for cell in row.cells:
                yield from cell.scores.values()

    @property
    def varying(self) -> tuple[str, ...]:
        """Those of encoder, budget and batch size that aren't the same in all rows."""
        return tuple(
            key for key in CONDITIONS if len({row.condition(key) for row in self.rows if row.setting(key)}) > 1
        )

    @property
    def grouped(self) -> bool:
        """Whether ranks and tests stand within groups, since not all rows of some column may be compared."""
        return any(len(column.groups) > 1 for column in self.columns)

    @property
    def common_seeds(self) -> int | None:
        """The number of seeds of every score there is; None where it isn't the same everywhere."""
        counts = {len(score.seeds) for score in self.scores()}
        return counts.pop() if len(counts) == 1 else None


@dataclass(frozen=True)
class Board:
    """A leaderboard.

    Attributes:
        title: what stands at the top.
        tables: measured here.
        published: what a paper reported; never ranked together with what was measured.
        notes: what a reader must be told of all tables.
    """

    title: str
    tables: tuple[Table, ...]
    published: Table | None = None
    notes: tuple[str, ...] = ()

    def runs(self) -> Iterator[Run]:
        """Every run behind the measured tables, once."""
        found = {
            run.record.folder: run
            for table in self.tables
            for row in table.rows
            for cell in row.cells
            for run in cell.runs
        }
        yield from found.values()
