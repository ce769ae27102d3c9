"""Compute the logits of a whole split."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from fecbench.core.errors import NumericalError, ProtocolError
from fecbench.model.distributed import sum_over_ranks
from fecbench.model.model import precompute
from fecbench.training.logits import broken

if TYPE_CHECKING:
    from torch import Tensor

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

    Batches hold texts of similar length. Labels and row numbers are hidden from the objective: both are 0.

    Raises:
        ProtocolError: ``predict`` didn't return a real tensor ``[B, C]``, or left the grad or train mode changed.
        NumericalError: a row of logits holds an infinity or NaN and isn't a row without an answer (all -inf).
    """
    if split.texts is not None:
        objective.before_predicting(split.texts)
    logits = torch.zeros(len(split), objective.task.classes, device=precision.device)
    was_training = model.training
    precompute(model.eval(), objective.eval())
    for number, rows in enumerate(split.by_length(batch_size)):
        # Whole batches by rank: for a batch without a share, encode makes no collective call, so that one rank may
        # have more batches than another.
        if number % ranks == rank:
            batch = split.batch(rows).unlabelled().to(precision.device)
            index = torch.from_numpy(rows).to(precision.device)  # before predict: afterwards the copy would wait for it
            with precision.autocast():
                predicted = objective.predict(batch, model)
            _check_logits(predicted, [len(rows), objective.task.classes])
            logits[index] = predicted.to(logits)
    if any(module.training for module in (*model.modules(), *objective.modules())) or torch.is_grad_enabled():
        raise ProtocolError(
            "predict must leave all modes unchanged, but the grad or train mode changed; change the grad mode "
            "only inside `with torch.no_grad()`, and don't call train()"
        )
    model.train(was_training)
    objective.train(was_training)
    whole = sum_over_ranks(logits, ranks).cpu()  # a rank's logits are 0 in the rows of other ranks
    if bad := int(broken(whole).sum()):
        raise NumericalError(f"every logit must be finite, but those of {bad:,} of {len(whole):,} texts aren't")
    return whole


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
