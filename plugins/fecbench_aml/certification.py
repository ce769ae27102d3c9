"""Attacks on a finished run: encode a whole split, mine its hard pairs, search for the worst discriminators."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch.nn.functional import normalize

from fecbench import FecbenchError, OverlapConfig, Predictor, Record, data_of
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
from fecbench_aml.mining import LINES, HardPairs, mine_hard_pairs
from fecbench_aml.pair_targets import PairTargets

Report = Callable[[str], object]  # takes the name of the step that begins
D = TypeVar("D", PairDiscriminator, MetricDiscriminator)


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

    @property
    def graded(self) -> bool:
        """True if pairs have targets between 0 and 1."""
        return any(certificate.floor > 0 for certificate in self.found.values())

    def as_dict(self) -> dict[str, Any]:
        """Return a dict that can be written as JSON."""
        return asdict(self)


@dataclass(frozen=True)
class CertificationSettings:
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

    @property
    def work(self) -> int:
        """The number of steps that :func:`attack` reports."""
        return 2 + 2 * self.restarts


def attack(record: Record, settings: CertificationSettings, report: Report = lambda _: None) -> Attacked:
    """Search for the worst discriminators of a complete run; call ``report`` with the name of each step.

    Raises:
        RunError, DataError: the run or its rows are not available.
        FecbenchError: the split has no hard positives or no hard negatives.
    """
    report(f"{record.id}: mining hard pairs")
    predictor, run_file = Predictor.load(record), record.run_file
    target = _target(record, predictor, settings)
    torch.manual_seed(settings.seed)
    trained = _trained_discriminator(predictor)
    mlp = trained if isinstance(trained, PairDiscriminator) else None
    like = mlp or PairDiscriminator(target.z.shape[1])
    norm, origin = parameter_norm(like), "of the run's discriminator" if mlp else "of a new mlp"
    if settings.norm:
        norm, origin = settings.norm, "given"
    certificates = _certificates(target, trained, like, norm, settings, report)
    names = record.id, run_file.objective.name, run_file.dataset.name, settings.split
    report(f"{record.id}: exact maximum of the metric family")
    return Attacked(*names, int(target.pairs.valid.sum()), norm, origin, certificates, worst_direction(target))


def _target(record: Record, predictor: Predictor, settings: CertificationSettings) -> Target:
    """Return the hard pairs of a split, by the features of a run, with the weight of the run's pair loss."""
    data = data_of(record, settings.data_dir)
    options, z = record.settings(), predictor.features(data.labelled(settings.split)["text"][:])
    if options.get("normalize", True):  # only objectives with a pair loss have this option, `slope` and `w_pos`
        z = normalize(z)
    truth, left_out = _pair_targets(predictor).of_split(torch.from_numpy(data.targets(settings.split)))
    alpha, beta = LINES.get(options.get("slope", "batch"), (None, None))
    pairs = mine_hard_pairs(
        z, truth, k_pos=settings.k_pos, k_neg=settings.k_neg, alpha=alpha, beta=beta, left_out=left_out
    )
    return Target(z, _valid(pairs, settings.split), float(options.get("w_pos", 0.5)))


def _certificates(
    target: Target,
    trained: PairDiscriminator | MetricDiscriminator | None,
    like: PairDiscriminator,
    norm: float,
    settings: CertificationSettings,
    report: Report,
) -> dict[str, Certificate]:
    """Return the certificates of the trained discriminator, if there is one, and of the worst ones found.

    Args:
        target: the pairs to attack.
        trained: the run's discriminator, one of the starting points of its family.
        like: an MLP of the shape that is searched.
        norm: bound on ``||phi||`` of the MLP.
        settings: settings of the attack.
        report: called with the name of each ascent.
    """
    mlp = trained if isinstance(trained, PairDiscriminator) else None
    metric = trained if isinstance(trained, MetricDiscriminator) else None
    certificates = {} if trained is None else {"trained": target.certificate(trained)}
    # The MLPs come first, because both families draw their starting points from one random stream.
    starts = mlp_starts(mlp, like, norm, settings.restarts)
    mlps = [attack_mlp(target, start, norm, settings.steps) for start in _named(starts, "mlp", report)]
    others = metric_starts(metric, target.z.shape[1], settings.restarts)
    metrics = [attack_metric(target, start, settings.steps) for start in _named(others, "metric", report)]
    return {**certificates, "mlp": target.worst(mlps), "metric": target.worst(metrics)}


def _named(starts: Iterable[D], family: str, report: Report) -> Iterator[D]:
    """Yield the starting points, each after its ascent is reported."""
    for number, start in enumerate(starts, 1):
        report(f"ascent {number} of the {family} family")
        yield start


def _pair_targets(predictor: Predictor) -> PairTargets:
    """Return the targets of pairs that the run was trained with; the default ones if its objective has none."""
    pair_targets = getattr(predictor.objective, "pair_targets", None)
    if isinstance(pair_targets, PairTargets):
        return pair_targets.cpu()  # where Predictor.features puts the features
    return PairTargets(OverlapConfig.model_validate({}), predictor.objective.task)


def _valid(pairs: HardPairs, split: str) -> HardPairs:
    """Return the pairs without empty slots.

    Raises:
        FecbenchError: there are no hard positives or no hard negatives.
    """
    kept = HardPairs(*(part[pairs.valid] for part in pairs))
    if kept.positive.all() or not kept.positive.any():
        raise FecbenchError(
            f"{split} must hold two texts of one label, and two labels, to have hard pairs; choose another --split"
        )
    return kept


def _trained_discriminator(predictor: Predictor) -> PairDiscriminator | MetricDiscriminator | None:
    """Return the run's discriminator, or None if the objective has none or never trained it (weight 0)."""
    discriminator = getattr(predictor.objective, "discriminator", None)
    if not isinstance(discriminator, PairDiscriminator | MetricDiscriminator) or not predictor.objective.config.weight:
        return None
    return discriminator.cpu()  # where Predictor.features puts the features
