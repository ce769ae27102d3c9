"""Write and read the predictions of a run on the test rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fecbench.core.errors import RunError
from fecbench.core.files import read_arrays, write_tensors
from fecbench.runs.digests import tensor_digest
from fecbench.runs.record import PREDICTIONS, VALIDATION, Record
from fecbench.training.logits import broken_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from torch import Tensor


def write_predictions(record: Record, logits: Tensor, true: Tensor | None) -> None:
    """Write the predictions of all test rows, in order: logits, predicted labels, and whether they are correct.

    The true labels of wrong predictions aren't written, since the data's licence may forbid it.

    Args:
        record: the run's record.
        logits: ``[N, C]``. A row of -inf means no answer; its label is -1.
        true: int64 ``[N]``, the true labels; None if the test split has no labels.
    """
    import torch

    from fecbench.training.logits import answers

    predicted = answers(logits)
    correct = {} if true is None else {"correct": predicted == true}
    tensors = {"row": torch.arange(len(logits)), "predicted": predicted, **correct, "logits": logits}
    write_arrays(record, tensors)


def write_arrays(record: Record, tensors: Mapping[str, Tensor], name: str = PREDICTIONS) -> None:
    """Write what was predicted of all rows of a split, in order: arrays of one length by name, with ``row``."""
    write_tensors(record.folder / name, dict(tensors))


def read_predictions(record: Record) -> dict[str, np.ndarray]:
    """Return the arrays that :func:`write_predictions` wrote for a complete run.

    Raises:
        RunError: the file is missing or broken, or isn't this run's.
    """

    return _read(record, PREDICTIONS, "predictions")


def read_validation(record: Record) -> dict[str, np.ndarray]:
    """Return ``row`` and ``logits`` of the validation rows of a complete run on texts with several labels.

    Raises:
        RunError: the file is missing or broken, or isn't this run's.
    """
    return _read(record, VALIDATION, "validation")


def _read(record: Record, name: str, part: str) -> dict[str, np.ndarray]:
    import numpy as np

    path = record.folder / name
    arrays = read_arrays(path)
    record.check_part(part, tensor_digest(arrays), path)
    rows = arrays.get("row")
    ordered = rows is None or np.array_equal(rows, np.arange(rows.size))  # older records have no row numbers
    finite = all(_is_finite(name, array) for name, array in arrays.items())
    if not ordered or len({array.shape[:1] for array in arrays.values()}) > 1 or not finite:
        raise RunError(f"{path} must hold finite predictions of every row, in order; restore it or run it again")
    return arrays


def _is_finite(name: str, array: np.ndarray) -> bool:
    """Return True if all numbers are finite; rows of logits may be all -inf, which means no answer."""
    import numpy as np

    if name == "logits" and array.ndim == 2:
        return not broken_rows(array).any()
    return bool(np.isfinite(array).all())
