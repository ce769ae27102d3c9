"""``fecbench certify``: a command that this plugin adds through fecbench's hooks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fecbench import PATH, hookimpl

if TYPE_CHECKING:
    from fecbench_aml.certification import Attacked

CANNOT_SHOW = """
What this can't show. The maximum over an mlp without a bound on its norm is infinite: "loss" is the worst that was found within
||phi|| <= norm, a lower bound of the maximum there. A constant score of 1/2 costs log 2 = 0.693, so every maximum is at least that,
and at eps >= log 2 the margin bound allows every pair a margin of 0 or less: it says nothing. "exact" is the metric family's maximum
over all weightings."""


@hookimpl
def commands() -> Iterable[click.Command]:
    """The commands of this plugin."""
    return [certify]


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option(
    "--split",
    type=click.Choice(["validation", "test"]),
    default="test",
    show_default=True,
    help="whose pairs to attack",
)
@click.option("--data-dir", type=PATH, help="folder with a folder for each data set")
@click.option(
    "--k-pos", type=click.IntRange(min=1), default=20, show_default=True, help="hard positives of each anchor"
)
@click.option(
    "--k-neg", type=click.IntRange(min=1), default=20, show_default=True, help="hard negatives of each anchor"
)
@click.option("--steps", type=click.IntRange(min=1), default=30, show_default=True, help="steps of each ascent")
@click.option("--restarts", type=click.IntRange(min=1), default=3, show_default=True, help="ascents of each family")
@click.option(
    "--norm",
    type=click.FloatRange(min=0, min_open=True),
    help="bound on ||phi|| (default: the first RUN's trained discriminator's)",
)
@click.option("--seed", type=int, default=0, show_default=True, help="seed of the fresh starts")
@click.option("--root", type=PATH, default=Path("runs"), show_default=True, help="where runs are looked for")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def certify(runs: Sequence[str], root: Path, as_json: bool, norm: float | None, **how: Any) -> None:
    """How bad the pair loss of trained encoders can be made by a discriminator of each family.

    The encoder of each RUN (a run's id, its folder, or a method's name) is frozen. The hardest pairs of each text of a whole split are
    attacked by projected gradient ascent. Beside what was found stand the bounds of the paper's propositions 1 and 2 at that loss.
    """
    from fecbench import find_run, print_json
    from fecbench_aml.certification import Attack

    attacked: list[Attacked] = []
    for reference in runs:
        attacked.append(Attack(norm=norm, **how).on(find_run(reference, root)))
        norm = norm or attacked[0].norm
        if not as_json:
            _print(attacked[-1])
    if as_json:
        print_json([one.as_dict() for one in attacked])
    else:
        click.echo(CANNOT_SHOW)


def _print(one: Attacked) -> None:
    from fecbench import print_table

    rows = [
        [
            family,
            f"{found.loss:.4f}",
            one.exact_metric and f"{one.exact_metric:.4f}" if family == "metric" else "",
            *(
                f"{value:.3f} {sign} {min(1.0, max(0.0, bound)):.3f}"
                for (value, bound), sign in (
                    (found.positive_score, ">="),
                    (found.negative_score, "<="),
                    (found.positive_tail, "<="),
                    (found.negative_tail, "<="),
                    (found.violated, "<="),
                )
            ),
        ]
        for family, found in one.found.items()
    ]
    title = f"\n{one.run}: {one.objective} on {one.dataset}, {one.pairs:,} pairs of {one.split}, norm {one.norm:.2f} ({one.norm_from})"
    columns = [
        "discriminator",
        "loss",
        "exact",
        "mean s on P+",
        "mean s on P-",
        "P+ with s<=0.1",
        "P- with s>=0.9",
        "margin <= 0",
    ]
    print_table(columns, rows, title)
