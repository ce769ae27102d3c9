"""Options that several commands share."""

from __future__ import annotations

import click

from fecbench.core.options import PATH
from fecbench.runs.record import ROOT as RUNS

DATA_DIR_HELP = "folder of the data sets, one subfolder each"

DATA_DIR = click.option("--data-dir", type=PATH, help=DATA_DIR_HELP)
DEVICE = click.option(
    "--device", default="auto", show_default=True, help="device to compute on: auto, cpu, cuda, cuda:1, mps ..."
)
JSON = click.option("--json", "as_json", is_flag=True, help="print JSON")
ROOT = click.option("--root", type=PATH, default=RUNS, show_default=True, help="folder to search for runs")
SPLIT = click.option(
    "--split", type=click.Choice(["validation", "test"]), default="test", show_default=True, help="split to use"
)
