"""Read the labels of a data set's training rows, without its texts and its other splits."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

from fecbench.core.settings import RunSettings, build
from fecbench.data.datasets.load import load_dataset
from fecbench.data.datasets.locations import DataLocations
from fecbench.data.datasets.rows import targets_of

if TYPE_CHECKING:
    from torch import Tensor


class TrainingTargets(NamedTuple):
    """The labels of training rows.

    Attributes:
        labels: label names.
        targets: float32 ``[N, C]`` between 0 and 1, on the CPU.
    """

    labels: tuple[str, ...]
    targets: Tensor


def training_targets(dataset: str, locations: DataLocations | None = None) -> TrainingTargets:
    """Return the targets of the training rows of ``dataset``: a registered name, a path, or ``hf:owner/name``.

    The rows of one's own file without other splits are all training rows.

    Raises:
        UsageError: the name is neither registered, nor a path, nor a hub address.
        DataNotFound, DataError: the data set was not found, or is invalid.
    """
    settings = build(RunSettings, {"dataset": dataset}, "another data set")
    data = load_dataset(settings, locations or DataLocations(), cut=False)
    return TrainingTargets(data.labels, torch.from_numpy(targets_of(data.splits["train"], len(data.labels))))
