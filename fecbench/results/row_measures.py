"""Measures of one text with several labels each: how well its labels are given, and how probable they were."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.special import xlog1py, xlogy

if TYPE_CHECKING:
    from torch import Tensor


def jaccard_of_rows(true: Tensor, given: Tensor) -> Tensor:
    """Return intersection over union of each row of two bool ``[N, C]``, float64 ``[N]``; 1 where both are empty.

    >>> jaccard_of_rows(torch.tensor([[True, False], [False, False]]), torch.tensor([[True, True], [False, False]]))
    tensor([0.5000, 1.0000], dtype=torch.float64)
    """
    shared, either = (true & given).sum(1).double(), (true | given).sum(1)
    return torch.where(either > 0, shared / either.clamp(min=1), 1.0)


def nll_of_rows(targets: Tensor, probabilities: Tensor) -> Tensor:
    """Return the negative log-likelihood of each row of targets in nats, summed over labels, ``[N, C] -> [N]``.

    Probabilities are clipped as in :func:`fecbench.training.label_set_metrics.nll`.

    >>> nll_of_rows(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.5, 0.5]]))  # 2 log 2
    tensor([1.3863], dtype=torch.float64)
    """
    smallest = torch.finfo(torch.float64).eps
    p = probabilities.double().clamp(smallest, 1 - smallest)
    likelihoods: Tensor = xlogy(targets.double(), p) + xlog1py(1 - targets.double(), -p)
    return -likelihoods.sum(1)
