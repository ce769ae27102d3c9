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


DATA_DIR_HELP = "folder of the data sets, one subfolder each"

DATA_DIR = click.option("--data-dir", type=PATH, help=DATA_DIR_HELP)
DEVICE = click.option(
    "--device", default="auto", show_default=True, help="device to compute on: auto, cpu, cuda, cuda:1, mps ..."
)
JSON = click.option("--json", "as_json", is_flag=True, help="print JSON")
ROOT = click.option("--root", type=PATH, default=_runs, help="folder to search for runs  [default: runs]")
SPLIT = click.option(
    "--split", type=click.Choice(["validation", "test"]), default="test", show_default=True, help="split to use"
)
