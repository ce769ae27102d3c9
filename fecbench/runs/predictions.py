"""Write and read the predictions of a run on the test rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fecbench.core.errors import RunError
from fecbench.core.files import (
    read_tensors,
    write_tensors,
)
from fecbench.runs.digests import of_tensors
from fecbench.runs.record import PREDICTIONS, Record

if TYPE_CHECKING:
    from torch import Tensor


def write_predictions(record: Record, logits: Tensor, true: Tensor) -> None:
    """Write the predictions of all test rows, in their order: ``logits [N, C]``, and whether they are right by ``true [N]``.

    A label of -1 is no answer.
    """
    import torch

    from fecbench.training.logits import answers

    predicted = answers(logits)
    found = {"row": torch.arange(len(logits)), "predicted": predicted, "correct": predicted == true, "logits": logits}
    write_tensors(record.folder / PREDICTIONS, found)


def read_predictions(record: Record) -> dict[str, Tensor]:
    """What :func:`write_predictions` wrote of a complete run.

    Raises:
        RunError: it is missing or broken, or isn't of this run.
    """
    import torch

    from fecbench.training.logits import broken

    path = record.folder / PREDICTIONS
    tensors, _ = read_tensors(path)
    record.check_part("predictions", of_tensors(tensors), path)
    rows = tensors.get("row")
    ordered = rows is None or torch.equal(rows, torch.arange(rows.numel()))  # older records hold no numbers
    odd = [
        name
        for name, tensor in tensors.items()
        if (broken(tensor) if name == "logits" and tensor.ndim == 2 else ~tensor.isfinite()).any()
    ]
    if not ordered or len({tensor.shape[:1] for tensor in tensors.values()}) > 1 or odd:
        raise RunError(f"{path} must hold finite predictions of every test row, in order; restore it or run it again")
    return tensors
