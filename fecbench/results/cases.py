"""Examples that one run gets right and another wrong (the AML paper's Table 4), and how many there are either way."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import torch

from fecbench.core.errors import RunError
from fecbench.core.text import escape, shortened
from fecbench.results.comparison import common_data, difference_note
from fecbench.runs.identity import differing_settings
from fecbench.runs.predictions import read_predictions
from fecbench.runs.predictor import Predictor
from fecbench.runs.record import PREDICTIONS, model_run_file
from fecbench.training.logits import NO_ANSWER, probabilities

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import Tensor

    from fecbench.data.datasets.dataset import EmotionData
    from fecbench.runs.record import Record


@dataclass(frozen=True)
class Answer:
    """What a run says to a text: its label with that label's probability, and the gold label's probability."""

    label: str
    probability: float
    gold_probability: float


@dataclass(frozen=True)
class Case:
    """An example that the better run gets right and the worse one wrong; ``row`` is its number in the split, from 0."""

    row: int
    text: str
    gold: str
    worse: Answer
    better: Answer

    @property
    def gain(self) -> float:
        """By how much the gold label's probability is higher under the better run."""
        return self.better.gold_probability - self.worse.gold_probability


@dataclass(frozen=True)
class Cases:
    """Two runs, example by example.

    Attributes:
        better: the run whose successes are listed.
        worse: the run that fails on them.
        split: of these rows.
        both_right: how many rows both get right.
        worse_only: how many rows only ``worse`` gets right: none of them is listed.
        both_wrong: how many rows both get wrong.
        cases: every row that only ``better`` gets right, by descending gain.
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
        """How many rows the split has."""
        return self.both_right + self.worse_only + self.both_wrong + len(self.cases)

    @property
    def names(self) -> tuple[str, str]:
        """What to call the better and the worse run: by method, or by run where that is the same."""
        better, worse = (record.run_file.objective.name for record in (self.better, self.worse))
        return (better, worse) if better != worse else self.runs

    @property
    def runs(self) -> tuple[str, str]:
        """The runs' ids; their folders where the ids are the same."""
        if self.better.id != self.worse.id:
            return self.better.id, self.worse.id
        return str(self.better.folder), str(self.worse.folder)

    @property
    def remark(self) -> str:
        """In which settings of every run the two differ, as a sentence; empty where they don't."""
        return difference_note(differing_settings([self.better, self.worse]))

    def summary(self, top: int) -> str:
        """The whole count in words, beside which the first ``top`` cases are to be read."""
        better, worse = self.names
        where = f"{self.rows:,} {self.split} rows of {self.better.run_file.dataset.name}"
        shown = min(top, len(self.cases))
        return (
            f"Of {where}, {better} alone gets {len(self.cases):,} right and {worse} alone {self.worse_only:,}; both get "
            f"{self.both_right:,} right and {self.both_wrong:,} wrong. Shown: {shown:,} that {better} alone gets right (its label is the "
            f"gold one), those where the gold label's probability gains most. They were chosen, they aren't typical."
        )


def find_cases(better: Record, worse: Record, split: str = "test", data_dir: Path | None = None) -> Cases:
    """The examples of a split that ``better`` gets right and ``worse`` wrong.

    Test rows are judged by the recorded logits, so that records without weights will do; other splits are predicted anew.

    Raises:
        RunError: a run isn't complete, the two are of different rows, or a file is missing or broken.
        DataNotFound, DataError: the rows aren't to be had; texts and gold labels aren't in a record.
    """
    data = common_data([better, worse], data_dir)
    gold = torch.as_tensor(data.splits[split]["label"][:])
    ours, theirs = _predictions(better, data, split), _predictions(worse, data, split)
    right, their_right = ours.labels == gold, theirs.labels == gold
    cases = []
    for row in (right & ~their_right).nonzero().flatten().tolist():
        label = int(gold[row])
        answers = theirs.answer(row, label, data.labels), ours.answer(row, label, data.labels)
        cases.append(Case(row, data.splits[split][row]["text"], data.labels[label], *answers))
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
    """A run's labels ``[N]`` and probabilities ``[N, C]``, float64, with labels numbered as the data does."""

    labels: Tensor
    probabilities: Tensor

    def answer(self, row: int, gold: int, names: Sequence[str]) -> Answer:
        """What the run says to a row."""
        label, probabilities = int(self.labels[row]), self.probabilities[row]
        return Answer(
            "no answer" if label == NO_ANSWER else names[label], float(probabilities[label]), float(probabilities[gold])
        )


def _predictions(record: Record, data: EmotionData, split: str) -> _Predictions:
    """What a run says to all rows of a split. Its label is the recorded order's first maximum: bf16 logits tie."""
    own, rows = record.run_file.dataset.labels, len(data.splits[split])
    if sorted(own) != sorted(data.labels):
        raise RunError(
            f"{record.folder} must have the labels of its data, {shortened(data.labels)}, but has {shortened(own)}; restore it or run it again"
        )
    found = _recorded(record) if split == "test" else _anew(record, data.splits[split]["text"][:])
    if found.shape != (rows, len(own)):
        raise RunError(
            f"{record.folder} must hold predictions of {rows} rows and {len(own)} labels, but holds {tuple(found.shape)}; "
            f"restore it or run it again"
        )
    numbers = torch.tensor([data.labels.index(name) for name in own])
    labels = numbers[found.argmax(1)].where(found.sum(1) > 0, NO_ANSWER)
    return _Predictions(labels, found[:, numbers.argsort()])


def _recorded(record: Record) -> Tensor:
    """Probabilities of the test rows, by the recorded logits."""
    path = record.folder / PREDICTIONS
    tensors = read_predictions(record)
    if "logits" not in tensors:
        raise RunError(
            f"{path} must hold logits, but holds {shortened(sorted(tensors)) or 'nothing'}; restore it or run it again"
        )
    return probabilities(torch.from_numpy(tensors["logits"]).double())


def _anew(record: Record, texts: Sequence[str]) -> Tensor:
    """Probabilities of any rows, by the run's weights."""
    model_run_file(record)
    return Predictor.load(record).probabilities(texts).double()


COLUMNS = ("row", "utterance", "{worse}", "p", "{better}", "p", "p(gold) {worse}", "p(gold) {better}")


def table(found: Cases, top: int) -> tuple[list[str], list[list[Any]]]:
    """Columns and the first ``top`` rows, as in the paper's Table 4; ``p`` is the probability of the label before it."""
    better, worse = found.names
    lines = [[case.row, " ".join(case.text.split()), *_cells(case)] for case in found.cases[:top]]
    return [column.format(better=better, worse=worse) for column in COLUMNS], lines


def _cells(case: Case) -> list[str]:
    labels = [cell for answer in (case.worse, case.better) for cell in (answer.label, f"{answer.probability:.2f}")]
    return [*labels, *(f"{answer.gold_probability:.2f}" for answer in (case.worse, case.better))]


def markdown(found: Cases, top: int) -> str:
    """The counts, the table, and which runs these are. It holds texts: it may go where the data may go."""
    columns, lines = table(found, top)
    parts = [[escape(str(cell)) for cell in line] for line in (columns, *lines)]
    parts.insert(1, ["---" if name in ("utterance", *found.names) else "---:" for name in columns])
    licence = found.better.run_file.dataset.licence or "unknown"
    methods = [record.run_file.objective.name for record in (found.better, found.worse)]
    runs = ", ".join(f"{method}: {run}" for method, run in zip(methods, found.runs, strict=True))
    rows = "\n".join(f"| {' | '.join(part)} |" for part in parts)
    said = " ".join(part for part in (found.summary(top), found.remark) if part)
    return f"{escape(said)}\n\n{rows}\n\nRuns: {escape(runs)}. Licence of the texts: {escape(licence)}.\n"


def as_dict(found: Cases, top: int) -> dict[str, Any]:
    """Everything, the first ``top`` cases among it, for programs."""
    return {
        "better": _run(found.better),
        "worse": _run(found.worse),
        "differing": differing_settings([found.better, found.worse]),
        "dataset": found.better.run_file.dataset.name,
        "fingerprint": found.better.run_file.dataset.fingerprint,
        "split": found.split,
        "rows": found.rows,
        "better_only": len(found.cases),
        "worse_only": found.worse_only,
        "both_right": found.both_right,
        "both_wrong": found.both_wrong,
        "cases": [asdict(case) | {"gain": case.gain} for case in found.cases[:top]],
    }


def _run(record: Record) -> dict[str, Any]:
    return {"id": record.id, "objective": record.run_file.objective.name, "seed": record.settings()["seed"]}
