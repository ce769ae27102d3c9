"""Find the examples that one run labels correctly and another does not (the AML paper's Table 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from fecbench.results.compared_runs import ComparedRuns
from fecbench.results.comparison import common_data
from fecbench.results.label_set_cases import LabelSetCases, find_label_set_cases
from fecbench.results.split_probabilities import label_numbers, split_probabilities
from fecbench.training.logits import NO_ANSWER, NO_ANSWER_TEXT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import Tensor

    from fecbench.data.datasets.dataset import EmotionData
    from fecbench.runs.record import Record


@dataclass(frozen=True)
class CaseAnswer:
    """A run's prediction for one text.

    Attributes:
        label: the predicted label, or ``no answer``.
        probability: the probability of that label.
        gold_probability: the probability of the gold label.
    """

    label: str
    probability: float
    gold_probability: float


@dataclass(frozen=True)
class Case:
    """An example that only the better run labels correctly; ``row`` is its number in the split, from 0."""

    row: int
    text: str
    gold: str
    worse: CaseAnswer
    better: CaseAnswer

    @property
    def gain(self) -> float:
        """Gold label's probability under the better run minus that under the worse run."""
        return self.better.gold_probability - self.worse.gold_probability


@dataclass(frozen=True)
class Cases(ComparedRuns):
    """The comparison of two runs, example by example.

    Attributes:
        both_right: number of rows that both runs label correctly.
        worse_only: number of rows that only ``worse`` labels correctly; these are not listed.
        both_wrong: number of rows that neither run labels correctly.
        cases: every row that only ``better`` labels correctly, by descending gain.
    """

    both_right: int
    worse_only: int
    both_wrong: int
    cases: tuple[Case, ...]

    @property
    def rows(self) -> int:
        """Number of rows in the split."""
        return self.both_right + self.worse_only + self.both_wrong + len(self.cases)


def find_cases(
    better: Record, worse: Record, split: str = "test", data_dir: Path | None = None
) -> Cases | LabelSetCases:
    """Return the examples of a split on which ``better`` is right and ``worse`` isn't, with counts.

    If texts can have several labels, these are the examples on which ``better`` has the greater Jaccard index.

    Test rows are judged by the recorded logits and need no weights; other splits are predicted again.
    Texts and gold labels are read from the data, because a record holds neither.

    Raises:
        RunError: a run is not complete, the two runs have different rows, or a file is missing or broken.
        DataNotFound, DataError: the rows are not available, have no labels, or have shares of labels that exclude one
            another.
    """
    data = common_data([better, worse], data_dir)
    if data.labelling == "multi":
        return find_label_set_cases(better, worse, split, data)
    data.check_one_label("a comparison of cases")
    return _find_cases(better, worse, split, data)


def _find_cases(better: Record, worse: Record, split: str, data: EmotionData) -> Cases:
    rows = data.labelled(split)
    gold = torch.as_tensor(rows["label"][:])
    ours, theirs = _predictions(better, data, split), _predictions(worse, data, split)
    right, their_right = ours.labels == gold, theirs.labels == gold
    cases = []
    for row in (right & ~their_right).nonzero().flatten().tolist():
        label = int(gold[row])
        answers = theirs.answer(row, label, data.labels), ours.answer(row, label, data.labels)
        cases.append(Case(row, rows[row]["text"], data.labels[label], *answers))
    return Cases(
        better,
        worse,
        split,
        both_right=int((right & their_right).sum()),
        worse_only=int((~right & their_right).sum()),
        both_wrong=int((~right & ~their_right).sum()),
        cases=tuple(sorted(cases, key=lambda case: case.gain, reverse=True)),
    )


@dataclass(frozen=True)
class _Predictions:
    """A run's labels ``[N]`` and probabilities ``[N, C]`` (float64), with labels numbered as in the data."""

    labels: Tensor
    probabilities: Tensor

    def answer(self, row: int, gold: int, names: Sequence[str]) -> CaseAnswer:
        """Return the prediction for one row, whose gold label has number ``gold``."""
        label, probabilities = int(self.labels[row]), self.probabilities[row]
        return CaseAnswer(
            NO_ANSWER_TEXT if label == NO_ANSWER else names[label],
            float(probabilities[label]),
            float(probabilities[gold]),
        )


def _predictions(record: Record, data: EmotionData, split: str) -> _Predictions:
    """Return a run's predictions for all rows of a split."""
    predicted, numbers = split_probabilities(record, data, split), label_numbers(record, data)
    # bf16 logits often tie. Take the first maximum in the record's label order, as the run's own scores did,
    # and only then change to the data's numbers.
    labels = numbers[predicted.argmax(1)].where(predicted.sum(1) > 0, NO_ANSWER)
    return _Predictions(labels, predicted[:, numbers.argsort()])
