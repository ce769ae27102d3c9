"""The command ``fecbench certify``, which this plugin adds through fecbench's hooks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fecbench import PATH, hookimpl

if TYPE_CHECKING:
    from fecbench_aml.certificate import Certificate
    from fecbench_aml.certification import Attacked

CANNOT_SHOW = """
Limits of these figures. Without a bound on its norm the maximum over the mlp family is infinite. "loss" is
the worst loss found within ||phi|| <= norm, a lower bound of the maximum there. A constant score of 1/2 costs
log 2 = 0.693, so every maximum is at least that. At eps >= log 2 the margin bound allows every pair a margin
of 0 or less and says nothing. "exact" is the maximum over all weights of the metric family."""
GRADED = """
Pairs of graded targets. "floor" is the loss at which every score is the target of its pair: no loss is below it, and
the bounds follow from the loss above it. "|s-t|" is the mean distance of score and target."""


@hookimpl
def commands() -> Iterable[click.Command]:
    """Return the commands of this plugin."""
    return [certify]


@click.command(short_help="Attack the pair loss of a trained encoder.")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option(
    "--split",
    type=click.Choice(["validation", "test"]),
    default="test",
    show_default=True,
    help="split whose hard pairs are attacked",
)
@click.option("--data-dir", type=PATH, help="folder of the data sets, one subfolder each")
@click.option("--k-pos", type=click.IntRange(min=1), default=20, show_default=True, help="hard positives per anchor")
@click.option("--k-neg", type=click.IntRange(min=1), default=20, show_default=True, help="hard negatives per anchor")
@click.option("--steps", type=click.IntRange(min=1), default=30, show_default=True, help="gradient steps per ascent")
@click.option("--restarts", type=click.IntRange(min=1), default=3, show_default=True, help="ascents per family")
@click.option(
    "--norm",
    type=click.FloatRange(min=0, min_open=True),
    help="bound on ||phi||  [default: the norm of the first RUN's trained discriminator]",
)
@click.option("--seed", type=int, default=0, show_default=True, help="seed of the random starting points")
@click.option("--root", type=PATH, default=Path("runs"), show_default=True, help="folder to search for runs")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def certify(runs: Sequence[str], root: Path, as_json: bool, norm: float | None, **how: Any) -> None:
    """Search for the discriminator of each family that makes the pair loss of a trained encoder worst.

    Each RUN is a run id, a run folder or a method (its newest complete run). Its encoder stays frozen. Projected
    gradient ascent attacks the hardest pairs of each text of a whole split. The table shows the scores found beside
    the bounds that propositions 1 and 2 of the AML paper give at that loss. Where texts have several labels, the
    target of a pair is the overlap of their labels, and the bounds are those for graded targets.
    """
    from fecbench import StepProgress, find_run, print_json
    from fecbench_aml.certification import CertificationSettings, attack

    attacked: list[Attacked] = []
    for reference in runs:
        settings = CertificationSettings(norm=norm, **how)
        with StepProgress(settings.work) as progress:
            attacked.append(attack(find_run(reference, root), settings, progress.begin))
        norm = norm or attacked[0].norm
        if not as_json:
            _print(attacked[-1])
    if as_json:
        print_json([result.as_dict() for result in attacked])
        return
    click.echo(CANNOT_SHOW)
    if any(result.graded for result in attacked):
        click.echo(GRADED)


def _print(result: Attacked) -> None:
    """Print the table of a run: a row for each discriminator."""
    from fecbench import print_table

    rows = [
        {
            "discriminator": family,
            "loss": f"{certificate.loss:.4f}",
            "exact": f"{result.exact_metric:.4f}" if family == "metric" else "",
            **_scores(certificate),
            **(_beside_targets(certificate) if result.graded else {}),
        }
        for family, certificate in result.found.items()
    ]
    title = (
        f"{result.run}: {result.objective} on {result.dataset}, {result.pairs:,} pairs of {result.split}, "
        f"norm {result.norm:.2f} ({result.norm_from})"
    )
    click.echo()
    print_table([*rows[0]], [[*row.values()] for row in rows], title)


def _scores(certificate: Certificate) -> dict[str, str]:
    """Return the cells of scores and margins beside their bounds, by column."""
    return {
        "mean s on P+": _bounded(certificate.positive_score, ">="),
        "mean s on P-": _bounded(certificate.negative_score, "<="),
        "P+ with s<=0.1": _bounded(certificate.positive_tail, "<="),
        "P- with s>=0.9": _bounded(certificate.negative_tail, "<="),
        "margin <= 0": _bounded(certificate.violated, "<="),
    }


def _beside_targets(certificate: Certificate) -> dict[str, str]:
    """Return the cells that graded targets add: the least loss, and the distances of scores and targets."""
    return {
        "floor": f"{certificate.floor:.4f}",
        "|s-t| on P+": _bounded(certificate.positive_error, "<="),
        "|s-t| on P-": _bounded(certificate.negative_error, "<="),
    }


def _bounded(value_and_bound: tuple[float, float], sign: str) -> str:
    """Format a share beside its bound, the bound clipped to [0, 1]."""
    value, bound = value_and_bound
    return f"{value:.3f} {sign} {min(1.0, max(0.0, bound)):.3f}"
