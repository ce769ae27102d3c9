"""``fecbench data``: which data sets there are, where each would come from, and what is in them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fecbench.cli.terminal.echo import echo
from fecbench.cli.terminal.output import print_json, print_table
from fecbench.core import registry
from fecbench.core.errors import FecbenchError, UsageError
from fecbench.core.options import PATH
from fecbench.core.settings import RunSettings, build
from fecbench.data.datasets.dataset import SPLITS
from fecbench.data.datasets.load import get_dataset, load_dataset
from fecbench.data.datasets.locations import DataLocations

if TYPE_CHECKING:
    from collections.abc import Sequence

DATA_DIR = click.option("--data-dir", type=PATH, help="folder with a folder for each data set")
JSON = click.option("--json", "as_json", is_flag=True, help="print JSON")


@click.group(invoke_without_command=True)
@DATA_DIR
@JSON
@click.pass_context
def data(context: click.Context, data_dir: Path | None, as_json: bool) -> None:
    """Which data sets there are, where each would come from, licence and rows."""
    if context.invoked_subcommand:
        if data_dir or as_json:
            raise UsageError(f"options of `fecbench data {context.invoked_subcommand}` must stand after its name")
        return
    rows = [_row(name, DataLocations(data_dir)) for name in registry.datasets]
    if as_json:
        print_json(rows)
        return
    columns = ["name", "title", "labels", "rows", "licence", "source"]
    print_table(
        columns,
        [[" / ".join(f"{n:,}" for n in row[c] or []) if c == "rows" else row[c] for c in columns] for row in rows],
    )
    echo("")
    echo(
        "Your own: --dataset path/to/folder (train, validation, test as CSV, TSV, JSON or Parquet), or --dataset hf:owner/name"
    )


def _row(name: str, places: DataLocations) -> dict[str, Any]:
    """A data set's line; one that is broken or not to be had says so."""
    row: dict[str, Any] = dict.fromkeys(("name", "title", "labels", "rows", "licence", "homepage", "source")) | {
        "name": name
    }
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
        row["source"] = loader.source(places).where
    except (Exception, SystemExit) as error:  # a plugin's own, too: it must hide no other
        row["source"] = f"not here: {error}"
    return row


@data.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@DATA_DIR
@click.option("--text-column", help="column of the texts, for a data set of your own")
@click.option("--label-column", help="column of the labels, for a data set of your own")
@click.option(
    "--quotes",
    type=click.Choice(["csv", "plain"]),
    help="quotes in CSV and TSV of your own: plain are characters like any other",
)
@JSON
def stats(names: Sequence[str], data_dir: Path | None, as_json: bool, **columns: str | None) -> None:
    """Rows beside the paper's Table 1, lengths, class balance, duplicates and texts that splits share; NAME as for --dataset."""
    from fecbench.data.datasets.statistics import statistics

    named = {key: value for key, value in columns.items() if value is not None}
    asked = [build(RunSettings, {"dataset": name, **named}, "data stats") for name in names]
    found, errors = [], []
    for settings in asked:
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
    print_table(
        ["data set", *SPLITS, "labels", "Table 1 of the paper"],
        [[f["name"], *(f["rows"][split] for split in SPLITS), f["labels"], _paper(f["paper"])] for f in found],
        "Rows",
    )
    echo("")
    print_table(
        ["data set", "unit", "mean", "median", "p95", "max", "smallest class", "largest class", "balance (1 = even)"],
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
        "Length of a text (words are split at white space; characters in scripts that have none); training rows of a class",
    )
    echo("")
    print_table(
        [
            "data set",
            *(f"twice in {split}" for split in SPLITS),
            *(f"in {pair.replace('/', ' and ')}" for pair in found[0]["shared"]),
        ],
        [[f["name"], *f["duplicates"].values(), *f["shared"].values()] for f in found],
        "Exact duplicates and shared texts",
    )
    for one in found:
        for note in one["notes"]:
            echo(f"note: {one['name']}: {note}")


def _paper(rows: Sequence[int] | None) -> str:
    return f"{rows[0]:,} / {rows[1]:,} / {rows[2]:,}, {rows[3]} labels" if rows else "not in it"


def _class(one: dict[str, Any]) -> str:
    return f"{one['label']} {one['train_rows']:,}"
