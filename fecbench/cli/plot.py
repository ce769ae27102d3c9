"""``fecbench plot``: draw figures from run records."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fecbench.cli.common_options import DATA_DIR, DEVICE, ROOT, SPLIT
from fecbench.core.options import PATH
from fecbench.runs.find import find_run
from fecbench.runs.record import ROOT as RUNS
from fecbench.terminal.echo import echo
from fecbench.terminal.output import percent, print_table, score_text
from fecbench.terminal.status_line import status_line
from fecbench.terminal.step_progress import StepProgress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fecbench.results.plots.embeddings import Method

READING = "reading the runs"


@click.group()
def plot() -> None:
    """Draw figures from run records."""


@plot.command()
@click.argument("run")
@click.option(
    "-o", "--out", type=PATH, help=".png, .svg or .pdf file to write  [default: dynamics.png in the run's folder]"
)
@click.option(
    "--all", "every", is_flag=True, help="draw all panels that the method declares, not only those of its gap"
)
@ROOT
def dynamics(run: str, out: Path | None, every: bool, root: Path) -> None:
    """Plot a run's losses and other logged values over its batches.

    RUN is a run id, a run folder or a method (its newest complete run). If the method declares a gap
    between two logged values, the figure has both and the gap, a panel each. For AML this is Figure 3 of the paper: the
    losses of max-step and min-step, and the gap between them.

    \b
    Example:
      fecbench plot dynamics aml --out dynamics.pdf
    """
    from fecbench.results.plots.dynamics import draw_dynamics

    record = find_run(run, root)
    echo(f"written: {draw_dynamics(record, out or record.inside('dynamics.png'), every=every)}")


@plot.command()
@click.argument("folders", nargs=-1, metavar="[RUNS]...", type=PATH)
@click.option("--objective", help="objective to study  [default: the only one found, else aml]")
@click.option("--metric", help="metric to draw  [default: accuracy; for texts with several labels macro_f1]")
@SPLIT
@click.option(
    "-o",
    "--out",
    type=PATH,
    default=Path("sensitivity.png"),
    show_default=True,
    help=".png, .svg or .pdf file to write",
)
def sensitivity(folders: Sequence[Path], objective: str | None, metric: str | None, split: str, out: Path) -> None:
    """Plot a method's scores against its settings.

    RUNS are run folders, or folders that are searched for runs at any depth (default: runs/). The base is the
    configuration that differs least from the others. Each panel shows one setting, or several that vary together, with
    all other settings as in the base: a line for each data set, means and standard deviations over seeds. For AML with
    runs over --k-pos = --k-neg and over --weight this is Figure 5 of the paper. The values are printed as a table, too.

    \b
    Example:
      fecbench plot sensitivity runs/sensitivity --metric weighted_f1
    """
    from fecbench.results.plots.complete_runs import complete_runs
    from fecbench.results.plots.saving import check_target
    from fecbench.results.plots.sensitivity import build_study, draw_sensitivity, rows

    check_target(out)
    with status_line() as report:
        report(READING)
        records, notes = complete_runs(folders or (RUNS,), "a sensitivity plot")
        study = build_study(records, metric, split, objective)
        draw_sensitivity(study, out)
    columns = ("settings", "data set", "value", "mean", "std", "seeds")
    keys = ("panel", "dataset", "value", "mean", "std", "seeds")
    lines = [
        [score_text(study.metric, row[key]) if key in ("mean", "std") else row[key] for key in keys]
        for row in rows(study)
    ]
    print_table(columns, lines)
    for note in (*notes, *study.notes):
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
    help="largest number of rows to draw; more are sampled at random",
)
@click.option("--labels", default="", help="labels to draw, as a,b,...  [default: all]")
@click.option(
    "--seed",
    type=click.IntRange(min=0, max=2**32 - 1),
    default=0,
    show_default=True,
    help="seed of the sample and of the projection",
)
@click.option(
    "--method",
    type=click.Choice(["tsne", "umap"]),
    default="tsne",
    show_default=True,
    help="projection; umap needs pip install 'fecbench[umap]'",
)
@DATA_DIR
@DEVICE
@click.option(
    "-o", "--out", type=PATH, default=Path("embeddings.png"), show_default=True, help=".png, .svg or .pdf file to write"
)
@ROOT
def embeddings(
    references: Sequence[str],
    split: str,
    rows: int,
    labels: str,
    seed: int,
    method: Method,
    data_dir: Path | None,
    device: str,
    out: Path,
    root: Path,
) -> None:
    """Plot projections of the features of runs, by t-SNE or UMAP.

    Each RUN is a run id, a run folder or a method (its newest complete run). The panels, one for each run, show the
    head's features of the same rows. The projections preserve neighbourhoods, but neither cluster sizes nor distances,
    so two scores measured in the original feature space are printed as well. More than eight labels have the colours of
    their groups of emotions; --labels chooses some. Where texts have several labels, colours and scores use the rarest
    label of each.

    \b
    Example (Figure 4 of the AML paper):
      fecbench plot embeddings aml-no-adv aml
    """
    from fecbench.results.comparison import difference_note
    from fecbench.results.plots.embeddings import NEIGHBOURS, STEPS, draw_embeddings, main_score
    from fecbench.runs.identity import differing_settings

    wanted = [label.strip() for label in labels.split(",") if label.strip()]
    records = [find_run(reference, root) for reference in references]
    with StepProgress(STEPS * len(records)) as progress:
        sample, drawn = draw_embeddings(
            records,
            out,
            split=split,
            rows=rows,
            labels=wanted,
            seed=seed,
            method=method,
            data_dir=data_dir,
            device=device,
            report=progress.begin,
        )
    score, _ = main_score(records[0], split)
    columns = ["run", "objective", f"{split} {score}", f"{NEIGHBOURS}-NN accuracy", "silhouette"]
    lines = [
        [
            embedding.record.id,
            embedding.record.run_file.objective.name,
            percent(main_score(embedding.record, split)[1]),
            percent(embedding.neighbours),
            f"{embedding.silhouette:.3f}",
        ]
        for embedding in drawn
    ]
    print_table(columns, lines)
    echo("")
    echo(
        f"{split} {score}: of the run, on the whole split. The other scores use cosine distances of the original "
        f"features, over {sample.title}: {NEIGHBOURS}-NN accuracy, leave-one-out (majority class: "
        f"{percent(sample.commonest)}), and the silhouette coefficient (-1 to 1). Compare runs by these scores, not by "
        "distances in the figure."
    )
    if sample.several:
        echo("note: texts can have several labels; colours and scores use each text's rarest label in training rows")
    if note := difference_note(differing_settings(records)):
        echo(f"note: {note}")
    echo(f"written: {out}")


@plot.command()
@click.argument("references", nargs=-1, required=True, metavar="RUN...")
@click.option(
    "-o", "--out", type=PATH, default=Path("confusion.png"), show_default=True, help=".png, .svg or .pdf file to write"
)
@ROOT
def confusion(references: Sequence[str], out: Path, root: Path) -> None:
    """Plot the labels that a method confuses.

    Each RUN is a run id, a run folder or a method (its newest complete run). Several runs of one method on one data
    set, such as its seeds, give their mean. Labels that are confused often stand beside each other.

    \b
    Example:
      fecbench plot confusion aml --out confusion.pdf
    """
    from fecbench.results.plots.confusion import draw_confusion, mixed_settings

    with status_line() as report:
        report(READING)
        records = [find_run(reference, root) for reference in references]
        draw_confusion(records, out)
    if mixed := mixed_settings(records):
        echo(f"note: the mean is over runs that differ in {', '.join(mixed)}")
    echo(f"written: {out}")


@plot.command()
@click.argument("run")
@DATA_DIR
@DEVICE
@click.option(
    "-o",
    "--out",
    type=PATH,
    default=Path("reliability.png"),
    show_default=True,
    help=".png, .svg or .pdf file to write",
)
@ROOT
def reliability(run: str, data_dir: Path | None, device: str, out: Path, root: Path) -> None:
    """Plot a run's calibration before and after temperature scaling.

    RUN is a run id, a run folder or a method (its newest complete run). The temperature is chosen on the validation
    rows; the figure shows the test rows.

    \b
    Example:
      fecbench plot reliability aml --out reliability.pdf
    """
    from fecbench.results.plots.reliability import draw_reliability, expected_error

    record = find_run(run, root)
    with status_line() as report:
        report("predicting the validation and test rows")
        found = draw_reliability(record, out, data_dir, device)
    before, after = (f"{100 * expected_error(part):.2f}" for part in (found.before, found.after))
    print_table(
        ["probabilities", "temperature", "ECE (%)"],
        [["as trained", "1", before], ["scaled", f"{found.temperature:.3f}", after]],
        "Expected calibration error on the test rows",
    )
    echo(f"written: {out}")


@plot.command()
@click.argument("folders", nargs=-1, metavar="[RUNS]...", type=PATH)
@click.option("--metric", default="", help="metric to draw  [default: the first of each data set]")
@click.option(
    "--best-trial",
    is_flag=True,
    help="show of each method, encoder and budget only the settings with the best validation score",
)
@click.option(
    "-o", "--out", type=PATH, default=Path("scores.png"), show_default=True, help=".png, .svg or .pdf file to write"
)
def scores(folders: Sequence[Path], metric: str, best_trial: bool, out: Path) -> None:
    """Plot the test scores of methods: seeds as dots, means with 95 % intervals.

    RUNS are run folders, or folders that are searched for runs at any depth (default: runs/). The methods are those of
    `fecbench leaderboard`, a panel for each data set.

    \b
    Example:
      fecbench plot scores benchmarks/results/minilm-cpu --best-trial --metric macro_f1
    """
    from fecbench.results.leaderboard.assemble import board_of_records
    from fecbench.results.plots.complete_runs import complete_runs
    from fecbench.results.plots.saving import check_target
    from fecbench.results.plots.scores import draw_scores

    check_target(out)
    with status_line() as report:
        report(READING)
        records, notes = complete_runs(folders or (RUNS,), "a plot of scores")
        metrics = (metric,) if metric else ()
        board = board_of_records(records, report=report, metrics=metrics, best_trial=best_trial)
        draw_scores(board, out, metric)
    # Notes on gains are of the board alone: the plot shows none.
    of_tables = (note for table in board.tables for note in table.short_notes if "Δ" not in note)
    for note in dict.fromkeys((*notes, *board.notes, *of_tables)):
        echo(f"note: {note}")
    echo(f"written: {out}")
