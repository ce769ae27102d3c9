"""Find the examples that one run labels correctly and another does not (the AML paper's Table 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from fecbench.core.errors import RunError
from fecbench.core.text import shortened
from fecbench.results.comparison import common_data
from fecbench.runs.predictions import read_predictions
from fecbench.runs.predictor import Predictor
from fecbench.runs.record import PREDICTIONS, model_run_file
from fecbench.training.logits import NO_ANSWER, NO_ANSWER_TEXT, probabilities

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
class Cases:
    """The comparison of two runs, example by example.

    Attributes:
        better: the run whose successes are listed.
        worse: the run that fails on them.
        split: the compared split.
        both_right: number of rows that both runs label correctly.
        worse_only: number of rows that only ``worse`` labels correctly; these are not listed.
        both_wrong: number of rows that neither run labels correctly.
        cases: every row that only ``better`` labels correctly, by descending gain.
    """

    better: Record
    worse: Record
    split: str
    both_right: int
    worse_only: int
    both_wrong: int
    cases: tuple[Case, ...]

    @property
    def rows(self) -> int:
        """Number of rows in the split."""
        return self.both_right + self.worse_only + self.both_wrong + len(self.cases)

    @property
    def names(self) -> tuple[str, str]:
        """Display names of the better and the worse run: their methods, or :attr:`runs` if the methods are equal."""
        better, worse = (record.run_file.objective.name for record in (self.better, self.worse))
        return (better, worse) if better != worse else self.runs

    @property
    def runs(self) -> tuple[str, str]:
        """Ids of the better and the worse run, or their folders if the ids are equal."""
        if self.better.id != self.worse.id:
            return self.better.id, self.worse.id
        return str(self.better.folder), str(self.worse.folder)


def find_cases(better: Record, worse: Record, split: str = "test", data_dir: Path | None = None) -> Cases:
    """Return the examples of a split that ``better`` labels correctly and ``worse`` does not, with counts.

    Test rows are judged by the recorded logits and need no weights; other splits are predicted again.
    Texts and gold labels are read from the data, because a record holds neither.

    Raises:
        RunError: a run is not complete, the two runs have different rows, or a file is missing or broken.
        DataNotFound, DataError: the rows are not available, or have no labels.
    """
    data = common_data([better, worse], data_dir)
    data.check_one_label("a comparison of cases")
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
    own, rows = record.run_file.dataset.labels, len(data.splits[split])
    if sorted(own) != sorted(data.labels):
        raise RunError(
            f"{record.folder} must have the labels of its data, {shortened(data.labels)}, but has {shortened(own)}; "
            f"restore it or run it again"
        )
    predicted = _recorded(record) if split == "test" else _predicted(record, data.splits[split]["text"][:])
    if predicted.shape != (rows, len(own)):
        raise RunError(
            f"{record.folder} must hold predictions of {rows} rows and {len(own)} labels, but holds "
            f"{tuple(predicted.shape)}; restore it or run it again"
        )
    numbers = torch.tensor([data.labels.index(name) for name in own])
    # bf16 logits often tie. Take the first maximum in the record's label order, as the run's own scores did,
    # and only then change to the data's numbers.
    labels = numbers[predicted.argmax(1)].where(predicted.sum(1) > 0, NO_ANSWER)
    return _Predictions(labels, predicted[:, numbers.argsort()])


def _recorded(record: Record) -> Tensor:
    """Return the probabilities of the test rows, from the recorded logits."""
    path = record.folder / PREDICTIONS
    tensors = read_predictions(record)
    if "logits" not in tensors:
        raise RunError(
            f"{path} must hold logits, but holds {shortened(sorted(tensors)) or 'nothing'}; restore it or run it again"
        )
    return probabilities(torch.from_numpy(tensors["logits"]).double())


def _predicted(record: Record, texts: Sequence[str]) -> Tensor:
    """Return the probabilities of any texts, computed with the run's weights."""
    model_run_file(record)  # refuses a record that lacks a field of the model, by the field's name
    return Predictor.load(record).probabilities(texts).double()
