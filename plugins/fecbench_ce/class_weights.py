"""Class weights and log priors from the numbers of training rows, against imbalance.

In all functions ``counts`` are the numbers of training rows n_c of each class, int ``[C]``.

>>> import torch
>>> counts = torch.tensor([6, 3, 1])
>>> [round(weight, 4) for weight in balanced_weights(counts).tolist()]
[0.5556, 1.1111, 3.3333]
>>> [round(weight, 4) for weight in effective_number_weights(counts, beta=0.9).tolist()]
[0.4046, 0.6996, 1.8958]
"""

from torch import Tensor


def balanced_weights(counts: Tensor) -> Tensor:
    """Return the weight ``n / (C n_c)`` of each class, float32 ``[C]``.

    n is the number of rows and C the number of classes that have rows, as in scikit-learn's
    ``compute_class_weight("balanced")``. The mean weight of the rows is 1. A class without a row has the weight 0.
    """
    present = counts > 0
    weights = counts.sum() / (present.sum() * counts.double())
    return weights.where(present, 0.0).float()


def effective_number_weights(counts: Tensor, beta: float) -> Tensor:
    """Return the inverse effective number of rows of each class, float32 ``[C]`` (Cui et al. 2019, sections 3 and 4).

    The effective number is ``(1 - beta^n_c) / (1 - beta)``. The weights are scaled to the sum C, the number of classes
    that have rows. A class without a row has the weight 0.
    """
    present = counts > 0
    numbers = (1 - beta ** counts.double()) / (1 - beta)
    weights = (1 / numbers).where(present, 0.0)
    return (weights * present.sum() / weights.sum()).float()


def log_priors(counts: Tensor) -> Tensor:
    """Return the logarithm of each class's share of the rows, float32 ``[C]``.

    A class without a row counts as one row: the logarithm of 0 would be infinite.
    """
    counted = counts.clamp(min=1).double()
    return (counted / counted.sum()).log().float()
