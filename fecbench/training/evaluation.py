"""Compute the logits of a whole split."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from fecbench.core.errors import NumericalError, ProtocolError
from fecbench.model.distributed import sum_over_ranks
from fecbench.model.model import precompute
from fecbench.training.logits import broken

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from fecbench.data.batch import Batch
    from fecbench.data.batches import TokenisedSplit
    from fecbench.model.model import Model
    from fecbench.objective.objective import Objective
    from fecbench.training.devices import Precision


@torch.no_grad()
def split_logits(
    objective: Objective,
    model: Model,
    split: TokenisedSplit,
    batch_size: int,
    precision: Precision,
    rank: int = 0,
    ranks: int = 1,
) -> Tensor:
    """Return the logits ``[N, C]`` of ``split`` in the order of its rows, float32 on the CPU.

    Raises:
        ProtocolError: ``predict`` didn't return a real tensor ``[B, C]``, or left the grad or train mode changed.
        NumericalError: a row of logits holds an infinity or NaN and isn't a row without an answer (all -inf).
    """
    classes = objective.task.classes

    def predict(batch: Batch) -> Tensor:
        logits = objective.predict(batch, model)
        _check_logits(logits, [len(batch), classes])
        return logits

    if split.texts is not None:
        objective.before_predicting(split.texts)
    was_training = model.training
    precompute(model.eval(), objective.eval())
    logits = split_outputs(predict, split, classes, batch_size, precision, rank, ranks)
    if any(module.training for module in (*model.modules(), *objective.modules())) or torch.is_grad_enabled():
        raise ProtocolError(
            "predict must leave all modes unchanged, but the grad or train mode changed; change the grad mode "
            "only inside `with torch.no_grad()`, and don't call train()"
        )
    model.train(was_training)
    objective.train(was_training)
    if bad := int(broken(logits).sum()):
        raise NumericalError(f"every logit must be finite, but those of {bad:,} of {len(logits):,} texts aren't")
    return logits


def split_outputs(
    compute: Callable[[Batch], Tensor],
    split: TokenisedSplit,
    width: int,
    batch_size: int,
    precision: Precision,
    rank: int = 0,
    ranks: int = 1,
) -> Tensor:
    """Return what ``compute`` returns for each text of ``split``, ``[N, width]`` in the order of its rows, on the CPU.

    Batches hold texts of similar length, ``batch_size`` of the longest and more of shorter ones. Labels and row numbers
    are hidden: both are 0. The host waits for the device once, at the end.
    """
    batches, end = list(split.by_length(batch_size)), 0
    outputs = torch.zeros(len(split), width, device=precision.device)  # in the order of the batches
    for number, rows in enumerate(batches):
        start, end = end, end + len(rows)
        # Whole batches by rank: for a batch without a share, encode makes no collective call, so that one rank may
        # have more batches than another.
        if number % ranks == rank:
            with precision.autocast():
                computed = compute(split.batch(rows).unlabelled().to(precision.device))
            outputs[start:end] = computed
    whole = sum_over_ranks(outputs, ranks).cpu()  # a rank's outputs are 0 in the batches of other ranks
    return torch.empty_like(whole).index_copy_(0, torch.from_numpy(np.concatenate(batches)), whole)


def _check_logits(logits: object, shape: list[int]) -> None:
    if not isinstance(logits, torch.Tensor) or logits.is_complex():
        kind = logits.dtype if isinstance(logits, torch.Tensor) else type(logits).__name__
        raise ProtocolError(
            f"predict must return a tensor of real logits, but returned {kind}; return a tensor of floats"
        )
    if list(logits.shape) != shape:
        raise ProtocolError(
            f"predict must return logits {shape}, but returned {list(logits.shape)}; "
            "return a logit of every label for each text"
        )
