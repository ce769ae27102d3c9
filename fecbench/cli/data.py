"""``fecbench data``: list data sets; its commands print statistics of them and import them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from fecbench.cli.common_options import DATA_DIR, JSON
from fecbench.cli.data_import import import_data
from fecbench.cli.data_stats import stats
from fecbench.cli.terminal.echo import echo
from fecbench.cli.terminal.output import print_json, print_table
from fecbench.core import registry
from fecbench.core.errors import UsageError
from fecbench.data.datasets.load import get_dataset
from fecbench.data.datasets.locations import DataLocations

if TYPE_CHECKING:
    from pathlib import Path


@click.group(invoke_without_command=True)
@DATA_DIR
@JSON
@click.pass_context
def data(context: click.Context, data_dir: Path | None, as_json: bool) -> None:
    """List data sets with their sources, licences and sizes.

    The source is the place from which a run would load the data now. Nothing is downloaded.

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
    rows = [_row(name, DataLocations(data_dir)) for name in registry.datasets]
    if as_json:
        print_json(rows)
        return
    columns = ["name", "title", "labels", "rows", "licence", "source"]
    for row in rows:
        row["rows"] = " / ".join(f"{count:,}" for count in row["rows"] or [])
    print_table(columns, [[row[column] for column in columns] for row in rows])
    echo("")
    echo("rows: train / validation / test")
    echo(
        "Data of your own: --dataset path/to/folder (train, validation and test as CSV, TSV, JSON or Parquet) "
        "or --dataset hf:owner/name"
    )


def _row(name: str, locations: DataLocations) -> dict[str, Any]:
    """Return a data set's description. If the data set is broken or not found, ``source`` holds the reason."""
    row: dict[str, Any] = dict.fromkeys(("name", "title", "labels", "rows", "licence", "homepage", "source"))
    row["name"] = name
    try:
        loader = get_dataset(name)
        info = loader.info
        row |= {
            "title": info.title,
            "labels": info.labels,
            "rows": info.rows,
            "licence": info.licence,
            "homepage": info.homepage,
        }
        row["source"] = loader.source(locations).where
    except (Exception, SystemExit) as error:  # a plugin can raise anything; the others must still be listed
        row["source"] = f"not found: {error}"
    return row


data.add_command(stats)
data.add_command(import_data)
