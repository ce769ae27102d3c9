"""``fecbench data``: list data sets; its commands print statistics of them and import them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fecbench.cli.common_options import DATA_DIR, JSON
from fecbench.cli.data_import import import_data
from fecbench.cli.data_list import listed, print_list
from fecbench.cli.data_stats import stats
from fecbench.core.errors import UsageError
from fecbench.data.datasets.locations import DataLocations
from fecbench.terminal.echo import echo
from fecbench.terminal.output import print_json

if TYPE_CHECKING:
    from pathlib import Path


@click.group(invoke_without_command=True)
@DATA_DIR
@JSON
@click.pass_context
def data(context: click.Context, data_dir: Path | None, as_json: bool) -> None:
    """List data sets with their sources, licences and sizes.

    The source is the place from which a run would load the data now. Nothing is downloaded. A recipe reads
    published files that you download yourself; the list says where to get them.

    \b
    Examples:
      fecbench data
      fecbench data stats demo path/to/folder
      fecbench data import train.csv dev.csv test.csv --to my-data
    """
    if context.invoked_subcommand:
        if data_dir or as_json:  # click takes them for options of the group, and `stats` would never see them
            name = context.invoked_subcommand
            raise UsageError(f"options of `fecbench data {name}` must stand after its name; move them there")
        return
    rows = listed(DataLocations(data_dir))
    if as_json:
        print_json(rows)
        return
    print_list(rows)
    echo(
        "Data of your own: --dataset path/to/folder (train, validation and test as CSV, TSV, JSON or Parquet, or any "
        "files with a dataset.toml) or --dataset hf:owner/name"
    )


data.add_command(stats)
data.add_command(import_data)
