"""``fecbench data``: list data sets, and print statistics of their rows."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fecbench.cli.common_options import DATA_DIR, JSON, row_options
from fecbench.cli.terminal.echo import echo
from fecbench.cli.terminal.output import print_json, print_table
from fecbench.core import registry
from fecbench.core.errors import FecbenchError, UsageError
from fecbench.core.settings import RunSettings, build
from fecbench.data.datasets.dataset import SPLITS
from fecbench.data.datasets.load import get_dataset, load_dataset
from fecbench.data.datasets.locations import DataLocations

if TYPE_CHECKING:
    from collections.abc import Sequence


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


@row_options
@data.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@DATA_DIR
@JSON
def stats(names: Sequence[str], data_dir: Path | None, as_json: bool, **rows: object) -> None:
    """Print statistics of data sets.

    NAME is a data set as for `fecbench run --dataset`. The statistics are rows (beside the AML paper's Table 1), text
    lengths, class balance, duplicates, and texts that two splits share.
    """
    from fecbench.data.datasets.statistics import statistics

    given = {key: value for key, value in rows.items() if value is not None}
    all_settings = [build(RunSettings, {"dataset": name, **given}, "data stats") for name in names]
    found, errors = [], []
    for settings in all_settings:
        try:
            data = load_dataset(settings, DataLocations(data_dir))
            found.append(statistics(data) | {"notes": list(data.notes)})
        except FecbenchError as error:
            errors.append(error)
    if as_json:
        print_json(found)
    elif found:
        _print_statistics(found)
    for reason in errors:
        echo(f"fecbench: {reason}", err=True)
    if errors:
        sys.exit(2 if any(isinstance(reason, UsageError) for reason in errors) else 1)


def _print_statistics(found: Sequence[dict[str, Any]]) -> None:
    _print_rows(found)
    echo("")
    _print_lengths(found)
    echo("")
    _print_duplicates(found)
    for data in found:
        for note in data["notes"]:
            echo(f"note: {data['name']}: {note}")


def _print_rows(found: Sequence[dict[str, Any]]) -> None:
    print_table(
        ["data set", *SPLITS, "labels", "Table 1 of the AML paper"],
        [[f["name"], *(f["rows"][split] for split in SPLITS), f["labels"], _paper(f["paper"])] for f in found],
        "Rows",
    )


def _print_lengths(found: Sequence[dict[str, Any]]) -> None:
    print_table(
        [
            "data set",
            "unit",
            "mean",
            "median",
            "p95",
            "max",
            "smallest class",
            "largest class",
            "balance (1 = uniform)",
        ],
        [
            [
                f["name"],
                f["unit"],
                *f[f["unit"]].values(),
                _class(f["smallest_class"]),
                _class(f["largest_class"]),
                f["balance"],
            ]
            for f in found
        ],
        "Text lengths (in words, split at white space, or in characters for scripts without spaces) and class sizes "
        "(training rows)",
    )


def _print_duplicates(found: Sequence[dict[str, Any]]) -> None:
    print_table(
        [
            "data set",
            *(f"duplicates in {split}" for split in SPLITS),
            *(f"shared by {pair.replace('/', ' and ')}" for pair in found[0]["shared"]),
        ],
        [[f["name"], *f["duplicates"].values(), *f["shared"].values()] for f in found],
        "Exact duplicates and shared texts",
    )


def _paper(rows: Sequence[int] | None) -> str:
    return f"{rows[0]:,} / {rows[1]:,} / {rows[2]:,}, {rows[3]} labels" if rows else "not listed"


def _class(size: dict[str, Any]) -> str:
    return f"{size['label']} {size['train_rows']:,}"
