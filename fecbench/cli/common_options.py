"""Options that several commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fecbench.core.options import PATH

if TYPE_CHECKING:
    from pathlib import Path


def _runs() -> Path:
    # Imported late, because it loads pydantic, and `fecbench plugins` must start without it.
    from fecbench.runs.record import ROOT

    return ROOT


def _checked_label(_: click.Context, __: click.Parameter, label: str) -> str:
    from fecbench.results.latex import check_label

    check_label(label)
    return label


DATA_DIR_HELP = "folder of the data sets, one subfolder each"

DATA_DIR = click.option("--data-dir", type=PATH, help=DATA_DIR_HELP)
DEVICE = click.option(
    "--device", default="auto", show_default=True, help="device to compute on: auto, cpu, cuda, cuda:1, mps ..."
)
CAPTION = click.option("--caption", default="", help="caption of the LaTeX table")
JSON = click.option("--json", "as_json", is_flag=True, help="print JSON")
LABEL = click.option(
    "--label", default="", callback=_checked_label, help="label of the LaTeX table, such as tab:results"
)
ROOT = click.option("--root", type=PATH, default=_runs, help="folder to search for runs  [default: runs]")
SPLIT = click.option(
    "--split", type=click.Choice(["validation", "test"]), default="test", show_default=True, help="split to use"
)
