"""Export a complete run as a folder that needs no fecbench, with a model card.

The format ``hf`` is a Hugging Face folder for ``pipeline("text-classification")``, for runs with the encoder family's
own head. The format ``onnx`` is a graph of the objective's predict, for any run with an encoder. The files are loaded
again and their predictions compared with the run's before the folder is created. A model that gives a text several
labels has its thresholds beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from fecbench.core.errors import UsageError
from fecbench.core.progress import silent
from fecbench.model.encoders.network import quiet
from fecbench.model.encoders.none import NONE
from fecbench.objective.check import get_objective
from fecbench.results.export import eval_entries, huggingface, model_card, onnx, thresholds_file
from fecbench.results.export.card_schema import card_result_file, card_run_file
from fecbench.results.export.new_folder import new_folder
from fecbench.results.export.push import HubRepository
from fecbench.results.export.verify import Check, check, reference
from fecbench.runs.predictor import Predictor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from torch import Tensor

    from fecbench.core.progress import Report
    from fecbench.runs.record import Record


__all__ = ["STEPS", "Exported", "Format", "export"]

Format = Literal["hf", "onnx"]
STEPS = 4  # that :func:`export` reports


class Writer(Protocol):
    """The functions that the module of a format defines."""

    def write(self, record: Record, predictor: Predictor, folder: Path) -> None:
        """Write model, tokenizer and labels. Raises UsageError or ExportError."""

    def logits(self, folder: Path, texts: Sequence[str]) -> Tensor:
        """Return the logits ``[N, C]`` of ``texts``, computed from the files in ``folder`` only."""


WRITERS: Mapping[Format, Writer] = {"hf": huggingface, "onnx": onnx}


@dataclass(frozen=True)
class Exported:
    """The result of an export.

    Attributes:
        folder: the written folder.
        files: paths of its files, relative to the folder.
        check: the comparison of its predictions with the run's.
        note: what was left out, and how to include it; empty if nothing was.
        pushed: address of the repository of the hub that it was pushed to; empty if it was not pushed.
    """

    folder: Path
    files: tuple[str, ...]
    check: Check
    note: str
    pushed: str = ""


def export(
    record: Record,
    folder: Path,
    kind: Format = "hf",
    eval_dataset: str | None = None,
    push: str | None = None,
    public: bool = False,
    report: Report = silent,
) -> Exported:
    """Write the model of a complete run to ``folder``, and push it to the hub if ``push`` names a repository.

    After an error nothing is left in ``folder``, unless only the push failed.

    Args:
        record: the run.
        folder: the target; it must be new or empty.
        kind: the format.
        eval_dataset: the hub data set, ``owner/name``, that evaluation entries name; None for the run's own, if its
            test rows are certainly those of a hub data set.
        push: the model repository of the hub, ``owner/name``, to push the folder to. A new one is private.
        public: True to create it as a public repository, and to allow a push to a public one.
        report: called with the name of each of the ``STEPS`` steps, and of the push.

    Raises:
        UsageError: the folder is not empty, the run uses no encoder or does not fit the format, a package is missing,
            a name of the hub is not valid, or the hub does not accept a push.
        ExportError: the model can't be written in the format, or the files predict other logits than the run, or the
            push failed.
        RunError: the run is not complete, or a file of it is missing or broken.
    """
    _check_encoder(record)
    writer, target = WRITERS[kind], eval_entries.eval_target(record, eval_dataset)
    repository = HubRepository(push, public) if push is not None else None
    if repository:
        repository.check()
    with new_folder(folder) as draft, quiet():
        report("loading the run's model")
        card_run_file(record)  # checks the card's fields first: loading the model takes longer
        predictor = Predictor.load(record, "cpu")  # refuses a run that isn't complete, which has no result.json
        card_result_file(record)
        expected = reference(predictor, record.run_file.objective.name)
        report("writing the model")
        writer.write(record, predictor, draft)
        report("checking the predictions of the written model")
        checked = check(draft, writer, expected)
        report("writing the model card")
        if predictor.decision:
            thresholds_file.write(predictor.labels, predictor.decision, draft)
        name = repository.name if repository else folder.resolve().name
        model_card.write(record, predictor, kind, target.dataset, draft, name, push)
        if target.dataset:
            eval_entries.write(record, target.dataset, draft)
        files = tuple(sorted(path.relative_to(draft).as_posix() for path in draft.rglob("*") if path.is_file()))
    if repository:
        report("pushing the folder to the hub")
    pushed = repository.push(folder, files) if repository else ""
    return Exported(folder, files, checked, target.note, pushed)


def _check_encoder(record: Record) -> None:
    """Raise UsageError if the run predicts without an encoder: from raw texts, which no format can hold.

    The data set or the user may have chosen an encoder for a method that uses none.
    """
    name = record.run_file.objective.name
    kind = get_objective(name)
    if record.settings().get("encoder") == NONE or (kind.needs.texts and not kind.trains):
        raise UsageError(
            f"an export needs a run that predicts with an encoder, but {record.id} is of {name}, which reads the texts "
            "themselves; use `fecbench predict`, or export a run of another method"
        )
