"""Class weights, log priors and log odds from the numbers of training rows, against imbalance.

``counts`` are the numbers of training rows n_c of each class, ``[C]``. For labels that don't exclude one another they
are ``[C, 2]``, the rows without and with each label: a question with the two classes no and yes.

>>> import torch
>>> counts = torch.tensor([6, 3, 1])
>>> [round(weight, 4) for weight in balanced_weights(counts).tolist()]
[0.5556, 1.1111, 3.3333]
>>> [round(weight, 4) for weight in effective_number_weights(counts, beta=0.9).tolist()]
[0.4046, 0.6996, 1.8958]
"""

from torch import Tensor


def balanced_weights(counts: Tensor) -> Tensor:
    """Return the weight ``n / (C n_c)`` of each class, float32 ``[..., C]``.

    n is the number of rows and C the number of classes that have rows, as in scikit-learn's
    ``compute_class_weight("balanced")``. The mean weight of the rows is 1. A class without a row has the weight 0.
    """
    present = counts > 0
    weights = counts.sum(-1, keepdim=True) / (present.sum(-1, keepdim=True) * counts.double())
    return weights.where(present, 0.0).float()


def effective_number_weights(counts: Tensor, beta: float) -> Tensor:
    """Return the inverse effective number of rows of each class, float32 ``[..., C]`` (Cui et al. 2019, sections 3, 4).

    The effective number is ``(1 - beta^n_c) / (1 - beta)``. The weights are scaled to the sum C, the number of classes
    that have rows. A class without a row has the weight 0.
    """
    present = counts > 0
    numbers = (1 - beta ** counts.double()) / (1 - beta)
    weights = (1 / numbers).where(present, 0.0)
    return (weights * present.sum(-1, keepdim=True) / weights.sum(-1, keepdim=True)).float()


def log_priors(counts: Tensor) -> Tensor:
    """Return the logarithm of each class's share of the rows, float32 ``[C]``.

    A class without a row counts as one row: the logarithm of 0 would be infinite.
    """
    counted = counts.clamp(min=1).double()
    return (counted / counted.sum()).log().float()


def log_odds(counts: Tensor) -> Tensor:
    """Return the logarithm of the rows with each label over those without it, float32 ``[C]``, from counts ``[C, 2]``.

    No rows count as one row: the logarithm of 0 would be infinite.

    >>> import torch
    >>> log_odds(torch.tensor([[9, 1], [10, 0]]))
    tensor([-2.1972, -2.3026])
    """
    without, with_label = counts.clamp(min=1).double().unbind(-1)
    return (with_label / without).log().float()
