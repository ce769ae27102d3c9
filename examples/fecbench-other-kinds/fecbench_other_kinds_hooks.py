"""A hook and a command. Every ``fecbench`` command imports this module, so it must import nothing heavy."""

from pathlib import Path

import click

from fecbench import find_run, hookimpl, print_table


@hookimpl
def run_finished(run, result):
    """A hook: append each finished run to a log in the folder of the records."""
    with (Path(run.folder).parent / "finished.log").open("a") as file:
        file.write(f"{run.id} {run.objective} {result['metrics']['test']['worst_recall']:.3f}\n")


@hookimpl
def commands():
    """Return the commands that this package adds to ``fecbench``."""
    return [hardest]


@click.command()
@click.argument("run")
def hardest(run):
    """Print the F1 score of each label of a finished run, lowest first."""
    classes = find_run(run).result["per_class"]
    rows = [
        [label, f"{100 * scores['f1']:.1f}"]
        for label, scores in sorted(classes.items(), key=lambda item: item[1]["f1"])
    ]
    print_table(["label", "F1"], rows)
