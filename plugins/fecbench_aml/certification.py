"""Attacks on a run: its features of a whole split, the hard pairs among them, and the worst discriminators found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from fecbench import FecbenchError, Predictor, Record, data_of
from fecbench_aml.certificate import (
    Certificate,
    Target,
    attack_metric,
    attack_mlp,
    metric_starts,
    mlp_starts,
    parameter_norm,
    worst_direction,
)
from fecbench_aml.discriminator import MetricDiscriminator, PairDiscriminator
from fecbench_aml.mining import HardPairs, mine_hard_pairs


@dataclass(frozen=True)
class Attacked:
    """What was found of one run.

    Attributes:
        found: the certificate under the run's own discriminator (``trained``, where it has one) and under the worst found of each family.
        exact_metric: the maximum over the metric family.
    """

    run: str
    objective: str
    dataset: str
    split: str
    pairs: int
    norm: float
    norm_from: str
    found: Mapping[str, Certificate]
    exact_metric: float

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Attack:
    """How to attack: pairs of each anchor, steps of each ascent, ascents of each family, the bound on ``||phi||`` (None: the run's own)."""

    split: str
    data_dir: Path | None
    k_pos: int
    k_neg: int
    steps: int
    restarts: int
    seed: int
    norm: float | None = None

    def on(self, record: Record) -> Attacked:
        """The worst discriminators of a complete run.

        Raises:
            RunError, DataError: the run or its rows aren't to be had, or hold no hard pair of one kind.
        """
        predictor, rows = Predictor.load(record), data_of(record, self.data_dir).splits[self.split]
        options, run_file = record.settings(), record.run_file
        z = predictor.features(rows["text"][:])
        target = _mined(
            normalize(z) if options.get("normalize", True) else z,
            rows["label"][:],
            self,
            float(options.get("w_pos", 0.5)),
        )
        torch.manual_seed(self.seed)
        own = _own_discriminator(predictor)
        mlp = own if isinstance(own, PairDiscriminator) else None
        metric = own if isinstance(own, MetricDiscriminator) else None
        like = mlp or PairDiscriminator(z.shape[1])
        norm = self.norm or parameter_norm(like)
        origin = "given" if self.norm else "of the run's discriminator" if mlp else "of a fresh mlp"
        found = {
            **({} if own is None else {"trained": target.certificate(own)}),
            "mlp": target.worst(
                [attack_mlp(target, one, norm, self.steps) for one in mlp_starts(mlp, like, norm, self.restarts)]
            ),
            "metric": target.worst(
                [attack_metric(target, one, self.steps) for one in metric_starts(metric, z.shape[1], self.restarts)]
            ),
        }
        names = record.id, run_file.objective.name, run_file.dataset.name, self.split
        return Attacked(*names, int(target.pairs.valid.sum()), norm, origin, found, worst_direction(target))


def _mined(z: Tensor, labels: Sequence[int], attack: Attack, w_pos: float) -> Target:
    """The hard pairs of a whole split.

    Raises:
        FecbenchError: there is none of one kind.
    """
    pairs = mine_hard_pairs(z, torch.tensor(labels), k_pos=attack.k_pos, k_neg=attack.k_neg)
    kept = HardPairs(*(part[pairs.valid] for part in pairs))
    if kept.target.min() == kept.target.max():
        raise FecbenchError(
            f"{attack.split} must hold two texts of one label, and two labels, to have hard pairs; choose another --split"
        )
    return Target(z, kept, w_pos)


def _own_discriminator(predictor: Predictor) -> PairDiscriminator | MetricDiscriminator | None:
    """The discriminator that the run trained; None where it has none, or never moved it (weight 0)."""
    own = getattr(predictor.objective, "discriminator", None)
    if not isinstance(own, PairDiscriminator | MetricDiscriminator) or not predictor.objective.config.weight:
        return None
    return own.cpu()
