"""``fecbench plot``: pictures of run records."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fecbench.cli.terminal.echo import echo
from fecbench.cli.terminal.output import percent, print_table
from fecbench.core.options import PATH
from fecbench.runs.find import find_run
from fecbench.runs.record import ROOT as RUNS

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = click.option("--root", type=PATH, default=RUNS, show_default=True, help="where runs are looked for")
SPLIT = click.option(
    "--split", type=click.Choice(["validation", "test"]), default="test", show_default=True, help="whose rows"
)


@click.group()
def plot() -> None:
    """Pictures of run records."""


@plot.command()
@click.argument("run")
@click.option("--out", type=PATH, help=".png, .svg or .pdf to write (default: dynamics.png in the run's folder)")
@ROOT
def dynamics(run: str, out: Path | None, root: Path) -> None:
    """How a run's losses and other logged numbers moved over its batches.

    RUN is a run's id, its folder, or a method's name (then its newest complete run). For AML this is Figure 3 of the paper: the
    discriminator's and the encoder's losses, and the gap that the discriminator's step opens.
    """
    from fecbench.results.plots.dynamics import draw_dynamics

    record = find_run(run, root)
    echo(f"written: {draw_dynamics(record, out or record.inside('dynamics.png'))}")


@plot.command()
@click.argument("places", nargs=-1, metavar="[RUNS]...", type=PATH)
@click.option("--objective", help="whose runs (default: the only one there is, else aml)")
@click.option("--metric", default="accuracy", show_default=True, help="metric to draw")
@SPLIT
@click.option("--out", type=PATH, default=Path("sensitivity.png"), show_default=True, help=".png, .svg or .pdf")
def sensitivity(places: Sequence[Path], objective: str | None, metric: str, split: str, out: Path) -> None:
    """How a method's scores depend on its settings.

    RUNS are folders of runs, or folders that are searched for runs at any depth (default: runs/). A panel is drawn for each setting, or
    set of settings, that varies alone from the base, which is the configuration that differs least from the others; a line for
    each data set; means and standard deviations over seeds. For AML, with runs over --k-pos with --k-neg and over --weight, this is
    Figure 5 of the paper. The figures are printed too.
    """
    from fecbench.results.plots.saving import check_target
    from fecbench.results.plots.sensitivity import complete_runs, draw_sensitivity, rows, study

    check_target(out)
    records, notes = complete_runs(places or (RUNS,))
    studied = study(records, metric, split, objective)
    draw_sensitivity(studied, out)
    columns = ("settings", "data set", "value", "mean", "std", "seeds")
    keys = ("panel", "dataset", "value", "mean", "std", "seeds")
    lines = [[percent(row[key]) if key in ("mean", "std") else row[key] for key in keys] for row in rows(studied)]
    print_table(columns, lines)
    for note in (*notes, *studied.notes):
        echo(f"note: {note}")
    echo(f"written: {out}")


@plot.command()
@click.argument("references", nargs=-1, required=True, metavar="RUN...")
@SPLIT
@click.option(
    "--rows",
    type=click.IntRange(min=10),
    default=2000,
    show_default=True,
    help="draw a random sample of at most so many rows",
)
@click.option("--labels", default="", help="draw rows of these labels only: a,b,...")
@click.option(
    "--seed", type=click.IntRange(min=0, max=2**32 - 1), default=0, show_default=True, help="seed of sample and t-SNE"
)
@click.option("--data-dir", type=PATH, help="folder with a folder for each data set")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda ...")
@click.option("--out", type=PATH, default=Path("embeddings.png"), show_default=True, help=".png, .svg or .pdf")
@ROOT
def embeddings(
    references: Sequence[str],
    split: str,
    rows: int,
    labels: str,
    seed: int,
    data_dir: Path | None,
    device: str,
    out: Path,
    root: Path,
) -> None:
    """t-SNE of the head's features of the same rows under several runs, side by side.

    RUN is a run's id, its folder, or a method's name (then its newest complete run). `fecbench plot embeddings aml-no-adv aml` is Figure
    4 of the AML paper. t-SNE shows neighbourhoods; sizes of clusters and distances between them mean nothing in it. So two figures that
    are measured in the features' own space are printed beside it.
    """
    from fecbench.results.comparison import difference_note
    from fecbench.results.plots.embeddings import NEIGHBOURS, draw_embeddings
    from fecbench.runs.identity import differing_settings

    wanted = [label.strip() for label in labels.split(",") if label.strip()]
    records = [find_run(reference, root) for reference in references]
    drawn, found = draw_embeddings(
        records, out, split=split, rows=rows, labels=wanted, seed=seed, data_dir=data_dir, device=device
    )
    columns = ["run", "objective", f"{split} accuracy", f"{NEIGHBOURS}-NN accuracy", "silhouette"]
    lines = [
        [
            one.record.id,
            one.record.run_file.objective.name,
            percent(one.record.result_file.metrics.of(split)["accuracy"]),
            percent(one.neighbours),
            f"{one.silhouette:.3f}",
        ]
        for one in found
    ]
    print_table(columns, lines)
    echo("")
    echo(
        f"{split} accuracy: the run's, on the whole split. The others, by cosine in the features' own space, over {drawn.title}: "
        f"{NEIGHBOURS}-NN accuracy (a vote of each row's nearest others; always the commonest label: {percent(drawn.commonest)}) and "
        f"silhouette (-1 to 1). Read these, not distances in the picture."
    )
    differing = difference_note(differing_settings(records))
    if differing:
        echo(f"note: {differing}")
    echo(f"written: {out}")
