"""``fecbench plot``: pictures of run records."""

from __future__ import annotations

from pathlib import Path

import click

from fecbench import runs


@click.group()
def plot() -> None:
    """Pictures of run records."""


@plot.command()
@click.argument("run")
@click.option("--out", type=click.Path(path_type=Path), help=".png, .svg or .pdf to write (default: dynamics.png in the run's folder)")
@click.option("--root", type=click.Path(path_type=Path), default=runs.ROOT, show_default=True, help="where runs are looked for")
def dynamics(run: str, out: Path | None, root: Path) -> None:
    """How a run's losses and other logged numbers moved over its batches.

    RUN is a run's id, its folder, or a method's name (then its newest complete run). For AML this is Figure 3 of the paper: the
    discriminator's and the encoder's losses, and the gap that the discriminator's step opens.
    """
    from fecbench.plots import dynamics as draw

    record = runs.find_run(run, root)
    click.echo(f"written: {draw(record, out or record.folder / 'dynamics.png')}")
