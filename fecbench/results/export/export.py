"""Taking a model away: a complete run as a folder that needs no fecbench, with a model card.

``hf`` is a Hugging Face folder for ``pipeline("text-classification")``, for runs with the family's own head; ``onnx`` is a graph of what
the objective predicts, for any run. What is written is read back and compared with the run before the folder appears.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from fecbench.model.encoders.network import quiet
from fecbench.results.export import eval_entries, huggingface, model_card, onnx
from fecbench.results.export.new_folder import appearing
from fecbench.results.export.record_schema import card_result_file, card_run_file
from fecbench.results.export.verify import Check, check, reference
from fecbench.runs.predictor import Predictor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from torch import Tensor

    from fecbench.runs.record import Record


__all__ = ["Exported", "Format", "export"]

Format = Literal["hf", "onnx"]


class Writer(Protocol):
    """What a module of a format offers."""

    def write(self, record: Record, predictor: Predictor, folder: Path) -> None:
        """Write model, tokenizer and labels. Raises UsageError or ExportError."""

    def logits(self, folder: Path, texts: Sequence[str]) -> Tensor:
        """What the files alone predict: logits ``[N, C]`` of ``texts``."""


WRITERS: Mapping[Format, Writer] = {"hf": huggingface, "onnx": onnx}


@dataclass(frozen=True)
class Exported:
    """What was written, and how it compares with the run.

    Attributes:
        folder: where it is.
        files: paths in the folder.
        check: the comparison with the run.
        note: what was left out, and how to have it; empty where nothing was.
    """

    folder: Path
    files: tuple[str, ...]
    check: Check
    note: str


def export(record: Record, folder: Path, kind: Format = "hf", eval_dataset: str | None = None) -> Exported:
    """Write the model of a complete run to ``folder``, which appears whole or not at all.

    Args:
        record: the run.
        folder: where to; new or empty.
        kind: the format.
        eval_dataset: the hub data set, ``owner/name``, that evaluation entries name; None for the run's own, where its test rows are
            surely those of a data set of the hub.

    Raises:
        UsageError: the folder is taken, the run doesn't fit the format, a package is missing, or the data set's name isn't one of the hub.
        ExportError: the model can't be written so, or what was written predicts otherwise than the run.
        RunError: the run isn't complete, or a file of it is missing or broken.
    """
    writer, claim = WRITERS[kind], eval_entries.claim(record, eval_dataset)
    with appearing(folder) as draft, quiet():
        card_run_file(record)
        predictor = Predictor.load(record, "cpu")
        card_result_file(record)
        expected = reference(predictor, record.run_file.objective.name)
        writer.write(record, predictor, draft)
        checked = check(draft, writer, expected)
        model_card.write(record, predictor, kind, claim.dataset, draft, folder.resolve().name)
        if claim.dataset:
            eval_entries.write(record, claim.dataset, draft)
        files = tuple(sorted(path.relative_to(draft).as_posix() for path in draft.rglob("*") if path.is_file()))
    return Exported(folder, files, checked, claim.note)
