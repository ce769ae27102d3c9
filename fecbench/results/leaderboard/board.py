"""The data of a leaderboard: frozen dataclasses that every format renders.

Scores are plain numbers, mostly fractions between 0 and 1; formats turn these into percent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any, Literal

from fecbench.core.text import shortened
from fecbench.results.shown_metrics import PERCENT
from fecbench.runs.identity import order_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from fecbench.data.datasets.dataset import Labelling
    from fecbench.results.leaderboard.run import Run

BUDGET = ("epochs", "patience", "limit")
COMPARED = ("encoder", *BUDGET)
CONDITIONS = (*COMPARED, "batch_size")  # the batch size is a method's own choice: it is shown, but rows stay comparable
ALPHA = 0.05
Notes = Literal["full", "short", "none"]


@dataclass(frozen=True)
class Score:
    """The score of one row on one data set by one metric.

    Attributes:
        mean: the mean over the seeds, and over the folds of a cross-validation.
        std: the sample standard deviation over them; None for a single run.
        seeds: the score of each seed, or of each `seed/fold`; empty if only mean and standard deviation were published.
    """

    mean: float
    std: float | None
    seeds: Mapping[int | str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, seeds: Mapping[int | str, float]) -> Score:
        """Return the score from the scores of at least one seed.

        >>> Score.of({0: 0.5, 1: 0.7}).mean
        0.6
        """
        in_order = {repetition: seeds[repetition] for repetition in sorted(seeds, key=order_of)}
        return cls(fmean(seeds.values()), stdev(seeds.values()) if len(seeds) > 1 else None, in_order)


@dataclass(frozen=True)
class Missing:
    """A run that the table needs but that isn't available.

    Attributes:
        seed: the run's seed, or `seed/fold`; None if all runs of the cell are missing.
        reason: the reason in words.
    """

    seed: int | str | None
    reason: str


def condition(settings: Mapping[str, Any], key: str) -> Any:
    """Return the value by which a setting counts when encoders and budgets are compared.

    A ``patience`` too large to stop a run early counts as None. The first epoch is always the best yet, so that a run
    can stop only after ``1 + patience`` epochs.

    >>> [condition({"epochs": 3, "patience": patience}, "patience") for patience in (1, 2, 20)]
    [1, None, None]
    """
    value = settings.get(key)
    return None if key == "patience" and value and value >= settings.get("epochs", math.inf) - 1 else value


@dataclass(frozen=True)
class Cell:
    """The results of one row on one data set.

    Attributes:
        scores: the scores by metric.
        settings: the settings that all runs of the cell share, with encoder and budget.
        runs: the runs behind the scores, ordered by seed and fold; empty for published scores.
        missing: the runs that the table needs but that aren't available.
        footnote: a remark on these scores; empty for none.
    """

    scores: Mapping[str, Score]
    settings: Mapping[str, Any]
    runs: tuple[Run, ...] = ()
    missing: tuple[Missing, ...] = ()
    footnote: str = ""

    @property
    def conditions(self) -> tuple[Any, ...]:
        """Encoder and budget; rows are compared where these are equal."""
        return tuple(map(self.condition, COMPARED))

    def condition(self, key: str) -> Any:
        """Return the value by which a setting counts when encoders and budgets are compared (:func:`condition`).

        A ``limit`` that left no training row out counts as None.
        """
        return self.runs[0].condition(key) if self.runs else condition(self.settings, key)


@dataclass(frozen=True)
class Row:
    """A row of a table: a method under one choice of settings.

    Attributes:
        name: the row's name in the table.
        objective: the method's registered name; empty for a published row.
        cells: one cell for each data set of the table.
    """

    name: str
    objective: str
    cells: tuple[Cell, ...]

    def setting(self, key: str) -> tuple[Any, ...]:
        """Return the values of a setting over the data sets, without repetitions; empty if nothing was run."""
        return tuple(dict.fromkeys(cell.settings[key] for cell in self.cells if key in cell.settings))

    def condition(self, key: str) -> tuple[Any, ...]:
        """Return the values that count for comparisons (:meth:`Cell.condition`), without repetitions."""
        return tuple(dict.fromkeys(cell.condition(key) for cell in self.cells if key in cell.settings))


@dataclass(frozen=True)
class Comparison:
    """The test of a group's best row in a column against another row of the group.

    The claim is "better on other examples and under other seeds". Therefore ``p`` is the larger of two p-values: of a
    permutation test over test examples, or for scores without a count of each row (``BLOCK_METRICS``) a jackknife over
    blocks of them, and of a paired t-test over seeds.

    Attributes:
        best: the number of the group's best row.
        other: the number of the other row.
        seeds: the seeds, or `seed/fold`, that both rows have.
        examples: the number of test examples, of all folds together.
        p_examples: the p-value of the permutation test or of the jackknife.
        p_seeds: the p-value of the t-test.
        holm: the larger p-value, corrected for the number of pairs in the column (Holm 1979).
        reason: the reason why no test was possible; the p-values are None then.
    """

    best: int
    other: int
    seeds: tuple[int | str, ...] = ()
    examples: int = 0
    p_examples: float | None = None
    p_seeds: float | None = None
    holm: float | None = None
    reason: str = ""

    @property
    def p(self) -> float | None:
        """The larger p-value, uncorrected; None without a test."""
        return None if self.p_examples is None or self.p_seeds is None else max(self.p_examples, self.p_seeds)

    @property
    def significant(self) -> bool | None:
        """True if the best row is better at level 0.05; None without a test."""
        return None if self.holm is None else self.holm < ALPHA


@dataclass(frozen=True)
class Column:
    """A column of a table: one metric on one data set.

    Attributes:
        dataset: the number of the data set in the table.
        metric: the metric's registered name.
        label: the column's heading.
        best: the numbers of the rows with the best mean of their group; groups with fewer than two scores have none.
        second: the numbers of the rows with the second best mean of their group.
        comparisons: the tests of each group's best row against the group's other rows.
        groups: the numbers of the rows that may be compared with one another, group by group. A group
            has rows of equal encoder and budget; a spec that declares its rows has one group.
        lower: True if lower scores are better.
        unit: the unit of the scores as they are shown: ``percent`` for fractions.
    """

    dataset: int
    metric: str
    label: str
    best: tuple[int, ...]
    second: tuple[int, ...]
    comparisons: tuple[Comparison, ...] = ()
    groups: tuple[tuple[int, ...], ...] = ()
    lower: bool = False
    unit: str = PERCENT

    def group(self, row: int) -> int | None:
        """Return the number of a row's group, from 1; None if the row has no score on the data set."""
        return next((number for number, rows in enumerate(self.groups, 1) if row in rows), None)

    def beaten(self, row: int) -> bool:
        """Return True if the best row of its group is significantly better than ``row``."""
        return any(comparison.other == row and comparison.significant for comparison in self.comparisons)


@dataclass(frozen=True)
class DatasetVersion:
    """A data set with fixed rows; a group of columns.

    Attributes:
        name: the data set's name.
        title: the data set's long name.
        fingerprint: the digest of its rows; empty if nothing was run, and for published scores.
        revision: a description of the rows for published scores; empty for measured ones.
    """

    name: str
    title: str
    fingerprint: str
    revision: str = ""


@dataclass(frozen=True)
class Gain:
    """The gain of a row over the best baseline: the best row of another method that is no variant of its own.

    Attributes:
        row: the row's number.
        values: the relative gain (0.08 is 8 %) in each column, negative where lower scores are better; None where the
            row isn't best.
    """

    row: int
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class MostFrequent:
    """The row of always predicting the most frequent class; it isn't ranked.

    Attributes:
        name: the row's name.
        labels: the class on each data set; empty for a data set without runs.
        values: the score in each column of the table; None for a data set without runs, and for metrics other than
            accuracy, weighted F1 and macro F1.
    """

    name: str
    labels: tuple[str, ...]
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class Table:
    """A table of methods by data sets and metrics.

    Attributes:
        title: the table's heading.
        datasets: the data sets, a group of columns each.
        columns: the columns, data set by data set.
        rows: the methods.
        gains: the Δ rows at the end: the gain of a method over the best baseline.
        declared: True if all rows may be compared, across encoders and budgets.
        notes: the notes under the table.
        most_frequent: the row of the most frequent class; None if the table has no measured scores or is of texts with
            several labels.
        labelling: ``single`` or ``multi``, of all data sets of the table.
        short_notes: the notes in few lines: choices of settings folded into one, without remarks on single runs.
        shown_notes: the lines under the table: ``full``, ``short`` or ``none``.
        ranks: the rank of each row in its group, from 1; None for a row without a score; empty for a board without
            ranks.
        ranked_by: the heading of the column that ranks the rows; empty for a board without ranks.
        by_label: True if the columns are the F1 of labels, which tables show with a line for each label.
    """

    title: str
    datasets: tuple[DatasetVersion, ...]
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    gains: tuple[Gain, ...] = ()
    declared: bool = False
    notes: tuple[str, ...] = ()
    most_frequent: MostFrequent | None = None
    labelling: Labelling = "single"
    short_notes: tuple[str, ...] = ()
    shown_notes: Notes = "full"
    ranks: tuple[int | None, ...] = ()
    ranked_by: str = ""
    by_label: bool = False

    def score(self, row: int, column: Column) -> Score | None:
        """Return the score of a row in a column, or None."""
        return self.rows[row].cells[column.dataset].scores.get(column.metric)

    def scores(self) -> Iterator[Score]:
        """Yield every score that the table shows."""
        for column in self.columns:
            for number in range(len(self.rows)):
                score = self.score(number, column)
                if score:
                    yield score

    @property
    def varying(self) -> tuple[str, ...]:
        """The names among encoder, budget and batch size in which rows differ."""
        return tuple(
            key for key in CONDITIONS if len({row.condition(key) for row in self.rows if row.setting(key)}) > 1
        )

    def rank(self, row: Row) -> int | None:
        """Return the rank of a row of this table in its group; None without one."""
        # By identity: two rows can be equal, and comparing all of their cells is slow.
        return next((rank for one, rank in zip(self.rows, self.ranks, strict=False) if one is row), None)

    @property
    def grouped(self) -> bool:
        """True if some column has several groups, so that ranks and tests hold within a group."""
        return any(len(column.groups) > 1 for column in self.columns)

    @property
    def directed(self) -> bool:
        """True if lower scores are better in some column, so that headings show the direction."""
        return any(column.lower for column in self.columns)

    @property
    def common_seeds(self) -> int | None:
        """The number of runs, one for each seed and fold, that all scores have; None if it differs."""
        counts = {len(score.seeds) for score in self.scores()}
        return counts.pop() if len(counts) == 1 else None

    @property
    def folded(self) -> bool:
        """True if some scores are of a cross-validation."""
        return any(isinstance(repetition, str) for score in self.scores() for repetition in score.seeds)


@dataclass(frozen=True, repr=False)
class Board:
    """A leaderboard. ``print`` shows it as Markdown, a notebook as HTML.

    Attributes:
        title: the leaderboard's title.
        tables: the tables of measured scores.
        published: the table of scores that a paper reported; never ranked together with measured ones.
        notes: the notes on all tables.
        caption: the caption in LaTeX; empty for that of the tables.
        label: the label of the first table in LaTeX; empty for none.
    """

    title: str
    tables: tuple[Table, ...]
    published: Table | None = None
    notes: tuple[str, ...] = ()
    caption: str = ""
    label: str = ""

    def runs(self) -> Iterator[Run]:
        """Yield every run behind the measured tables once."""
        found = {  # by folder: rows that plan the same run share its record
            run.record.folder: run
            for table in self.tables
            for row in table.rows
            for cell in row.cells
            for run in cell.runs
        }
        yield from found.values()

    def render(self, form: str = "markdown", *, metrics: Sequence[str] = (), caption: str = "", label: str = "") -> str:
        """Return the board as text, as ``fecbench leaderboard --format`` shows it.

        Args:
            form: registered name of a format, such as ``markdown``, ``latex``, ``csv``, ``json`` or ``html``.
            metrics: metrics to show, in order; all if empty.
            caption: caption of the LaTeX tables.
            label: label of the first LaTeX table.

        Raises:
            UnknownName: no format has the name ``form``, or a metric has a column in no table.
            PluginError: the format is broken.
        """
        from fecbench.results.leaderboard.view.rendered import rendered

        return rendered(self, form, metrics=tuple(metrics), caption=caption, label=label)

    def __str__(self) -> str:
        return self.render()

    def __repr__(self) -> str:
        methods = dict.fromkeys(row.name for table in self.tables for row in table.rows)
        return f"<Board {self.title!r}: {shortened(list(methods))}>"

    def _repr_html_(self) -> str:
        """Return the board as HTML, ranked, as a notebook shows it."""
        from fecbench.results.leaderboard.formats.notebook import notebook

        return notebook(self)
