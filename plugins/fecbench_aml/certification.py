"""Attacks on a finished run: encode a whole split, mine its hard pairs, search for the worst discriminators."""

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
    """Result of an attack on one run.

    Attributes:
        run: id of the run.
        objective: name of its objective.
        dataset: name of its data set.
        split: the split whose pairs were attacked.
        pairs: number of hard pairs.
        norm: bound on ``||phi||`` for the MLP family.
        norm_from: origin of that bound, for the table.
        found: certificates by discriminator: ``trained`` (the run's own, if it has one), and the worst
            ``mlp`` and ``metric`` found.
        exact_metric: the exact maximum over the metric family.
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
        """Return a dict that can be written as JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Attack:
    """Settings of an attack.

    Attributes:
        split: the split whose pairs are attacked.
        data_dir: folder of the data sets; None for the usual locations.
        k_pos: hard positives per anchor.
        k_neg: hard negatives per anchor.
        steps: gradient steps per ascent.
        restarts: ascents per family.
        seed: seed of the random starting points.
        norm: bound on ``||phi||``; None for the norm of the run's own discriminator.
    """

    split: str
    data_dir: Path | None
    k_pos: int
    k_neg: int
    steps: int
    restarts: int
    seed: int
    norm: float | None = None

    def on(self, record: Record) -> Attacked:
        """Search for the worst discriminators of a complete run.

        Raises:
            RunError, DataError: the run or its rows are not available.
            FecbenchError: the split has no hard positives or no hard negatives.
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
        trained = _trained_discriminator(predictor)
        mlp = trained if isinstance(trained, PairDiscriminator) else None
        metric = trained if isinstance(trained, MetricDiscriminator) else None
        like = mlp or PairDiscriminator(z.shape[1])
        norm, origin = parameter_norm(like), "of the run's discriminator" if mlp else "of a new mlp"
        if self.norm:
            norm, origin = self.norm, "given"
        certificates = {
            **({} if trained is None else {"trained": target.certificate(trained)}),
            "mlp": target.worst(
                [attack_mlp(target, start, norm, self.steps) for start in mlp_starts(mlp, like, norm, self.restarts)]
            ),
            "metric": target.worst(
                [attack_metric(target, start, self.steps) for start in metric_starts(metric, z.shape[1], self.restarts)]
            ),
        }
        names = record.id, run_file.objective.name, run_file.dataset.name, self.split
        return Attacked(*names, int(target.pairs.valid.sum()), norm, origin, certificates, worst_direction(target))


def _mined(z: Tensor, labels: Sequence[int], attack: Attack, w_pos: float) -> Target:
    """Mine the hard pairs of a whole split.

    Raises:
        FecbenchError: the split has no hard positives or no hard negatives.
    """
    pairs = mine_hard_pairs(z, torch.tensor(labels), k_pos=attack.k_pos, k_neg=attack.k_neg)
    kept = HardPairs(*(part[pairs.valid] for part in pairs))
    if kept.target.min() == kept.target.max():
        raise FecbenchError(
            f"{attack.split} must hold two texts of one label, and two labels, to have hard pairs; "
            "choose another --split"
        )
    return Target(z, kept, w_pos)


def _trained_discriminator(predictor: Predictor) -> PairDiscriminator | MetricDiscriminator | None:
    """Return the run's discriminator, or None if the objective has none or never trained it (weight 0)."""
    discriminator = getattr(predictor.objective, "discriminator", None)
    if not isinstance(discriminator, PairDiscriminator | MetricDiscriminator) or not predictor.objective.config.weight:
        return None
    return discriminator.cpu()
