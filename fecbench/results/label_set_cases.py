"""Find the texts with several labels that one run labels better than another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from fecbench.core.errors import RunError
from fecbench.data.datasets.rows import targets_of
from fecbench.results.compared_runs import ComparedRuns
from fecbench.results.row_measures import jaccard_of_rows, nll_of_rows
from fecbench.results.split_probabilities import label_numbers, split_probabilities
from fecbench.runs.label_decision import LabelDecision
from fecbench.runs.record import RUN
from fecbench.training.scoring import HALF

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from fecbench.data.datasets.dataset import EmotionData
    from fecbench.runs.record import Record


@dataclass(frozen=True)
class LabelSetAnswer:
    """A run's prediction for one text.

    Attributes:
        labels: the labels given.
        jaccard: intersection over union of these and the true labels; 1 if both are empty.
        nll: negative log-likelihood of the targets in nats, summed over labels.
    """

    labels: tuple[str, ...]
    jaccard: float
    nll: float


@dataclass(frozen=True)
class LabelSetCase:
    """A text that the better run labels better; ``row`` is its number in the split, from 0."""

    row: int
    text: str
    gold: tuple[str, ...]
    worse: LabelSetAnswer
    better: LabelSetAnswer

    @property
    def gain(self) -> float:
        """Jaccard index of the better run minus that of the worse run."""
        return self.better.jaccard - self.worse.jaccard

    @property
    def nll_gain(self) -> float:
        """Negative log-likelihood of the worse run minus that of the better run, in nats."""
        return self.worse.nll - self.better.nll


@dataclass(frozen=True)
class LabelSetCases(ComparedRuns):
    """The comparison of two runs on texts with several labels, text by text.

    Attributes:
        worse_ahead: number of rows on which ``worse`` has the greater Jaccard index; these are not listed.
        equal: number of rows with equal Jaccard indices.
        cases: every row on which ``better`` has the greater Jaccard index, by descending gain in Jaccard, then in
            negative log-likelihood.
    """

    worse_ahead: int
    equal: int
    cases: tuple[LabelSetCase, ...]

    @property
    def rows(self) -> int:
        """Number of rows in the split."""
        return self.worse_ahead + self.equal + len(self.cases)


def find_label_set_cases(better: Record, worse: Record, split: str, data: EmotionData) -> LabelSetCases:
    """Return the texts of a split whose labels ``better`` gives with the greater Jaccard index, with counts.

    Of shares of labels, those above a half are true labels.

    Raises:
        RunError: a file of a run is missing or broken, or its labels or rows aren't those of ``data``.
        DataError: the split has no labels.
    """
    rows = data.labelled(split)
    targets = torch.from_numpy(targets_of(rows, len(data.labels))).double()
    ours, theirs = (_Predictions.of(record, data, split, targets) for record in (better, worse))
    cases = []
    for row in (ours.jaccard > theirs.jaccard).nonzero().flatten().tolist():
        answers = theirs.answer(row, data.labels), ours.answer(row, data.labels)
        cases.append(LabelSetCase(row, rows[row]["text"], _names(targets[row] > HALF, data.labels), *answers))
    return LabelSetCases(
        better,
        worse,
        split,
        worse_ahead=int((ours.jaccard < theirs.jaccard).sum()),
        equal=int((ours.jaccard == theirs.jaccard).sum()),
        cases=tuple(sorted(cases, key=_order, reverse=True)),
    )


def _order(case: LabelSetCase) -> tuple[float, float]:
    """Return the key by which cases are sorted."""
    return round(case.gain, 9), case.nll_gain  # differences of equal fractions can differ in the last bits


@dataclass(frozen=True)
class _Predictions:
    """A run's labels, bool ``[N, C]`` in the data's numbering, and its Jaccard index and likelihood ``[N]``."""

    given: Tensor
    jaccard: Tensor
    nll: Tensor

    @classmethod
    def of(cls, record: Record, data: EmotionData, split: str, targets: Tensor) -> _Predictions:
        """Return a run's predictions for all rows of a split with the targets ``[N, C]``."""
        decision = LabelDecision.of(record)
        if decision is None:
            raise RunError(
                f"{record.folder / RUN} must say that {data.name} gives several labels; restore it or run it again"
            )
        probabilities, order = split_probabilities(record, data, split), label_numbers(record, data).argsort()
        given, probabilities = decision.given(probabilities)[:, order], probabilities[:, order]
        return cls(given, jaccard_of_rows(targets > HALF, given), nll_of_rows(targets, probabilities))

    def answer(self, row: int, names: Sequence[str]) -> LabelSetAnswer:
        """Return the prediction for one row."""
        return LabelSetAnswer(_names(self.given[row], names), float(self.jaccard[row]), float(self.nll[row]))


def _names(chosen: Tensor, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name, is_chosen in zip(names, chosen.tolist(), strict=True) if is_chosen)
