"""A run's probabilities of all rows of a split, from its record or else from its weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from fecbench.core.errors import RunError
from fecbench.core.text import shortened
from fecbench.objective.labelling import probabilities
from fecbench.runs.predictions import read_predictions, read_validation
from fecbench.runs.predictor import Predictor
from fecbench.runs.record import PREDICTIONS, VALIDATION, model_run_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from torch import Tensor

    from fecbench.data.datasets.dataset import EmotionData
    from fecbench.runs.record import Record


def split_probabilities(record: Record, data: EmotionData, split: str) -> Tensor:
    """Return the probabilities of all rows of a split, float64 ``[N, C]``, with labels numbered as in the record.

    Test rows need no weights, nor do validation rows of texts with several labels; other rows are predicted again.

    Raises:
        RunError: the record has other labels or rows than the data, or a file of it is missing or broken.
    """
    own, rows = record.run_file.dataset.labels, len(data.splits[split])
    if sorted(own) != sorted(data.labels):
        raise RunError(
            f"{record.folder} must have the labels of its data, {shortened(data.labels)}, but has {shortened(own)}; "
            f"restore it or run it again"
        )
    if split == "test":
        predicted = _of_logits(record, read_predictions(record), PREDICTIONS)
    elif split == "validation" and data.labelling == "multi":
        predicted = _of_logits(record, read_validation(record), VALIDATION)
    else:
        predicted = _predicted(record, data.splits[split]["text"][:])
    if predicted.shape != (rows, len(own)):
        raise RunError(
            f"{record.folder} must hold predictions of {rows} rows and {len(own)} labels, but holds "
            f"{tuple(predicted.shape)}; restore it or run it again"
        )
    return predicted


def label_numbers(record: Record, data: EmotionData) -> Tensor:
    """Return the number in the data of each label of the record, int64 ``[C]``."""
    return torch.tensor([data.labels.index(name) for name in record.run_file.dataset.labels])


def _of_logits(record: Record, arrays: dict[str, np.ndarray], name: str) -> Tensor:
    """Return the probabilities of the logits that the file ``name`` holds."""
    if "logits" not in arrays:
        raise RunError(
            f"{record.folder / name} must hold logits, but holds {shortened(sorted(arrays)) or 'nothing'}; restore it "
            "or run it again"
        )
    return probabilities(torch.from_numpy(arrays["logits"]).double(), record.run_file.dataset.labelling)


def _predicted(record: Record, texts: Sequence[str]) -> Tensor:
    """Return the probabilities of any texts, computed with the run's weights."""
    model_run_file(record)  # refuses a record that lacks a field of the model, by the field's name
    return Predictor.load(record).probabilities(texts).double()
