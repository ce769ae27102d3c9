"""Labels that occur together, from training rows with several labels: a supervision for texts with one label too."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from fecbench import FecbenchError, Stage, Task, cooccurrence_kernel

Rows = Literal["all", "several"]
SHOWN = 5  # pairs of labels in a record


def kernel_of(stage: Stage, task: Task, other: str | None, rows: Rows, weight: float) -> Tensor:
    """Return the kernel ``[C, C]`` of the labels that occur together in training rows (``cooccurrence_kernel``).

    Args:
        stage: the run's training rows, and access to those of other data sets.
        task: the run's labels.
        other: the data set whose training rows are read; None for the run's own.
        rows: ``"all"``, or those of ``"several"`` labels alone, in which labels occur together more.
        weight: share of the co-occurrence in the kernel, rho.

    Raises:
        FecbenchError: no row has two of the labels, or the other data set lacks one.
    """
    targets = stage.targets["train"] if other is None else _of_other(stage, task.labels, other)
    several = (targets > 0).sum(1) > 1
    if not several.any():
        raise FecbenchError(
            f"--overlap cooccurrence needs training rows with several labels, but those of {other or task.dataset} "
            "have one each; name a data set that has such rows with --cooccurrence-from, such as ge-multi for ge"
        )
    return cooccurrence_kernel(targets[several] if rows == "several" else targets, weight)


def strongest(kernel: Tensor, labels: Sequence[str]) -> dict[str, float]:
    """Return the pairs of labels that are most alike under a kernel, with their entries, greatest first.

    >>> strongest(torch.tensor([[1.0, 0.25], [0.25, 1.0]]), ["joy", "love"])
    {'joy + love': 0.25}
    """
    a, b = torch.triu_indices(len(labels), len(labels), 1)
    values, order = kernel.cpu()[a, b].sort(descending=True, stable=True)
    names = [f"{labels[a[pair]]} + {labels[b[pair]]}" for pair in order[:SHOWN]]
    return dict(zip(names, values[:SHOWN].tolist(), strict=True))


def _of_other(stage: Stage, labels: Sequence[str], other: str) -> Tensor:
    """Return the targets ``[N, C]`` of the training rows of another data set, in the order of ``labels``."""
    names, targets = stage.training_targets(other)
    missing = [label for label in labels if label not in names]
    if missing:
        raise FecbenchError(
            f"--cooccurrence-from must have all labels of the run, but {other} lacks {', '.join(missing)}; "
            "give another data set, or rename its labels"
        )
    return targets[:, [names.index(label) for label in labels]]
