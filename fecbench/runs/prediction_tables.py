"""Write the predictions of the test rows as a table for other programs: CSV or JSON lines, with ids."""

from __future__ import annotations

import csv
import filecmp
import json
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING, ClassVar

import torch

from fecbench.core.errors import RunError, UsageError
from fecbench.core.files import OUTPUT, replacing
from fecbench.data.datasets.rows import CHUNK
from fecbench.objective.labelling import probabilities
from fecbench.runs.predictions import read_predictions
from fecbench.runs.record import HISTORY, PREDICTIONS
from fecbench.training.logits import NO_ANSWER, answers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from datasets import Dataset
    from torch import Tensor

    from fecbench.data.datasets.dataset import Labelling
    from fecbench.runs.record import Record


DIGITS = 6  # of a probability


Answer = str | tuple[str, ...] | None  # the label or labels of a text; None for no answer


@dataclass(frozen=True)
class PredictionTable:
    """The predicted label of each test row, and the probabilities of all labels.

    Attributes:
        labels: names of the C labels.
        logits: ``[N, C]``; a row of -inf means no answer.
        rows: the N test rows. Their column ``id`` names them; without it, they are numbered from 0.
    """

    labels: Sequence[str]
    logits: Tensor
    rows: Dataset
    labelling: ClassVar[Labelling] = "single"
    key: ClassVar[str] = "label"  # of a row's answer in JSON

    @property
    def answer_columns(self) -> list[str]:
        """The columns of a row's answer in CSV."""
        return ["label"]

    def answer_cells(self, answer: Answer) -> list[object]:
        """Return a row's answer in CSV."""
        return [answer or ""]

    def lines(self) -> Iterator[tuple[str | int, Answer, list[float]]]:
        """Yield the id, the answer and the probabilities of each row; for no answer, None and zeros."""
        for start in range(0, len(self.logits), CHUNK):
            end = min(start + CHUNK, len(self.logits))
            shares = probabilities(self.logits[start:end].double(), self.labelling).tolist()
            rounded = [[round(share, DIGITS) for share in row] for row in shares]
            yield from zip(self._ids(start, end), self._answers(start, end), rounded, strict=True)

    def _answers(self, start: int, end: int) -> Sequence[Answer]:
        numbers = answers(self.logits[start:end]).tolist()
        return [None if number == NO_ANSWER else self.labels[number] for number in numbers]

    def _ids(self, start: int, end: int) -> Sequence[str | int]:
        return self.rows["id"][start:end] if "id" in self.rows.column_names else range(start, end)


@dataclass(frozen=True)
class LabelSetTable(PredictionTable):
    """The labels given to each test row, of which there can be several, and the probabilities of all labels.

    In CSV each label has a column of 0 and 1, so that no mark between labels is needed.

    Attributes:
        given: bool ``[N, C]``, the labels given to each row.
    """

    given: Tensor
    labelling: ClassVar[Labelling] = "multi"
    key: ClassVar[str] = "labels"

    @property
    def answer_columns(self) -> list[str]:
        """A column for each label."""
        return [f"label_{label}" for label in self.labels]

    def answer_cells(self, answer: Answer) -> list[object]:
        """Return 1 for each label of a row and 0 for the others; blanks for no answer."""
        return [""] * len(self.labels) if answer is None else [int(label in answer) for label in self.labels]

    def _answers(self, start: int, end: int) -> Sequence[Answer]:
        given, numbers = self.given[start:end].tolist(), answers(self.logits[start:end]).tolist()
        return [
            None if number == NO_ANSWER else tuple(compress(self.labels, row))
            for number, row in zip(numbers, given, strict=True)
        ]


def check_path(path: Path, run_folder: Path | None) -> None:
    """Check that ``path`` can name the table of a run in ``run_folder``, which is None if it isn't known yet.

    Raises:
        UsageError: its ending isn't that of a table.
        RunError: it is a folder or lies in none, or it is a file of the run's record.
    """
    if path.suffix.lower() not in WRITERS:
        raise UsageError(f"--predictions must name a {' or '.join(WRITERS)} file, but is {path}; give one of these")
    is_in_run = run_folder is not None and path.parent.resolve() == run_folder.resolve()
    if path.is_dir() or not (is_in_run or path.parent.is_dir()):
        raise RunError(f"--predictions must name a file in a folder that exists, but is {path}; correct the path")
    # The only other file of a record with such an ending, predictions.csv, is the table itself.
    if is_in_run and path.name == HISTORY:
        raise RunError(f"--predictions must not name a file of the run's record, but is {path}; choose another name")


def check_target(path: Path, record: Record, rows: Dataset) -> None:
    """Check that the predictions of a run can be written to ``path``.

    Raises:
        UsageError, RunError: as :func:`check_path`; or there is a file that isn't the table of this run.
    """
    check_path(path, record.folder)
    if path.is_file() and not _holds_predictions(path, record, rows):
        raise RunError(f"--predictions must name a new file, but {path} exists; move it or choose another name")


def save_predictions(path: Path, record: Record, rows: Dataset) -> None:
    """Write the predictions of a complete run to ``path``, unless the file holds them already.

    Raises:
        UsageError, RunError: as :func:`check_target`; or the file can't be written.
    """
    check_target(path, record, rows)
    if not path.is_file():
        write_table(path, _recorded(record, rows))


def write_table(path: Path, table: PredictionTable, *, own: bool = False) -> None:
    """Write a table to ``path``, in the format of its ending; ``own`` is that of :func:`fecbench.core.files.replacing`.

    Raises:
        RunError: the file can't be written.
    """
    with replacing(path, OUTPUT, own=own) as draft, draft.open("w", encoding="utf-8", newline="") as file:
        WRITERS[path.suffix.lower()](table, file)


def _holds_predictions(path: Path, record: Record, rows: Dataset) -> bool:
    """Return True if the file at ``path`` is the table of a complete run."""
    if record.status != "complete":
        return False
    with TemporaryDirectory() as folder:
        wanted = Path(folder) / f"table{path.suffix}"
        write_table(wanted, _recorded(record, rows))
        return filecmp.cmp(path, wanted, shallow=False)


def _recorded(record: Record, rows: Dataset) -> PredictionTable:
    """Return the table of a complete run.

    Raises:
        RunError: its predictions are missing or broken, or are of other rows.
    """
    arrays, dataset = read_predictions(record), record.run_file.dataset
    names = ["logits", "given"] if dataset.labelling == "multi" else ["logits"]
    shapes = {arrays[name].shape if name in arrays else None for name in names}
    if shapes != {(len(rows), len(dataset.labels))}:
        raise RunError(
            f"{record.folder / PREDICTIONS} must hold {' and '.join(names)} of {len(rows):,} rows and "
            f"{len(dataset.labels)} labels, but doesn't; restore it or run it again"
        )
    tensors = [torch.from_numpy(arrays[name]) for name in names]
    if dataset.labelling == "multi":
        return LabelSetTable(dataset.labels, tensors[0], rows, tensors[1])
    return PredictionTable(dataset.labels, tensors[0], rows)


def _write_csv(table: PredictionTable, file: IO[str]) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["id", *table.answer_columns, *(f"probability_{label}" for label in table.labels)])
    writer.writerows([name, *table.answer_cells(answer), *shares] for name, answer, shares in table.lines())


def _write_json_lines(table: PredictionTable, file: IO[str]) -> None:
    for name, answer, shares in table.lines():
        row = {"id": name, table.key: answer, "probabilities": dict(zip(table.labels, shares, strict=True))}
        file.write(json.dumps(row, ensure_ascii=False) + "\n")


WRITERS: dict[str, Callable[[PredictionTable, IO[str]], None]] = {".csv": _write_csv, ".jsonl": _write_json_lines}
