"""The targets of texts: one label a text, or a number between 0 and 1 for each label.

Classes that hold rows have two forms. The plain one has ``labels``, from which ``targets`` are made on first use. The
other one, for texts with several labels or shares, has ``targets`` alone and refuses to give ``labels``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import torch
from torch.nn.functional import one_hot

from fecbench.core.errors import ProtocolError

if TYPE_CHECKING:
    from torch import Tensor


class NoSingleLabels:
    """Base of classes whose texts have several labels, or shares of labels: reading ``labels`` is an error."""

    if not TYPE_CHECKING:  # else mypy would take every name for an attribute

        def __getattr__(self, name: str) -> NoReturn:
            if name == "labels":
                raise ProtocolError(
                    "one label a text is needed to read labels, but the texts of this data set have several, or "
                    "shares of labels; read targets ([B, C]), or leave 'multi' out of the objective's labellings"
                )
            raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")


def targets_of_labels(labels: Tensor, classes: int) -> Tensor:
    """Return targets float32 ``[B, C]`` that are 1 at each text's label and else 0.

    Args:
        labels: int64 ``[B]``.
        classes: number of labels of the data set; 0 if it is unknown.

    Raises:
        ProtocolError: the number of labels is unknown.

    >>> targets_of_labels(torch.tensor([2, 0]), 3)
    tensor([[0., 0., 1.],
            [1., 0., 0.]])
    """
    if not classes:
        raise ProtocolError(
            "targets need the number of labels, but these texts came without it; give classes when you build the "
            "batch or the split"
        )
    return one_hot(labels, classes).to(torch.float32)
