"""Logits of a whole split, in the order of its rows."""

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
    """Logits ``[N, C]``, float32 on the CPU, of every row of ``split``; texts of similar length are read together.

    The objective sees neither labels nor row numbers: both are 0.

    Raises:
        ProtocolError: ``predict`` gave something else than one logit for every text and label.
        NumericalError: a logit is infinite or NaN, in a row that isn't all -inf, no answer.
    """
    if split.texts is not None:
        objective.before_predicting(split.texts)
    logits = torch.zeros(len(split), objective.task.classes, device=precision.device)
    was_training = model.training
    precompute(model.eval(), objective.eval())
    for number, rows in enumerate(split.by_length(batch_size)):
        if number % ranks == rank:
            batch = split.batch(rows).unlabelled().to(precision.device)
            places = torch.from_numpy(rows).to(precision.device)  # before predict: a copy waits
            with precision.autocast():
                found = objective.predict(batch, model)
            if not isinstance(found, torch.Tensor) or found.is_complex():
                kind = found.dtype if isinstance(found, torch.Tensor) else type(found).__name__
                raise ProtocolError(f"predict must give a tensor of real logits, found {kind}")
            if found.shape != (len(rows), objective.task.classes):
                raise ProtocolError(
                    f"predict must give logits {[len(rows), objective.task.classes]}, found {list(found.shape)}"
                )
            logits[places] = found.to(logits)
    if any(module.training for module in (*model.modules(), *objective.modules())) or torch.is_grad_enabled():
        raise ProtocolError(
            "predict must leave the modes that it finds, but the grad or train mode changed; use `with`, and no train()"
        )
    model.train(was_training)
    objective.train(was_training)
    whole = sum_over_ranks(logits, ranks).cpu()
    if bad := int(broken(whole).sum()):
        raise NumericalError(f"every logit must be finite, but those of {bad:,} of {len(whole):,} texts aren't")
    return whole
