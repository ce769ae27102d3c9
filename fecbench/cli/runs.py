"""``fecbench runs``: list runs, newest first, with their test scores."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fecbench.cli.common_options import JSON
from fecbench.cli.terminal.echo import echo
from fecbench.cli.terminal.output import percent, print_json, print_table
from fecbench.core.errors import RunError
from fecbench.core.options import PATH
from fecbench.runs.find import all_records
from fecbench.runs.record import ROOT

if TYPE_CHECKING:
    from fecbench.runs.record import Record

COLUMNS = ("id", "objective", "dataset", "encoder", "seed", "status", "accuracy", "weighted_f1", "macro_f1")


@click.command()
@click.argument("root", type=PATH, default=ROOT)
@JSON
def runs(root: Path, as_json: bool) -> None:
    """List runs, newest first, with their test scores.

    ROOT is the folder to search at any depth (default: runs/). Scores are in percent; --json prints fractions. A run
    on a test split without labels has none.
    """
    rows = [_row(record) for record in all_records(root)]
    if as_json:
        print_json(rows)
    elif not rows:
        echo(f"no runs under {root}; start one with: fecbench run ce --dataset demo")
    else:
        print_table(COLUMNS, [[percent(v) if isinstance(v := row[c], float) else v for c in COLUMNS] for row in rows])


def _row(record: Record) -> dict[str, Any]:
    """Return a run's row. A broken record gets the reason as its status, so that the others are still listed."""
    row: dict[str, Any] = dict.fromkeys(COLUMNS) | {"id": record.id, "folder": str(record.folder)}
    try:
        run_file = record.run_file
        row |= {"objective": run_file.objective.name, "dataset": run_file.dataset.name, "status": record.status}
        row |= {key: run_file.settings[key].value for key in ("encoder", "seed")}
        if row["status"] == "complete":
            row |= record.result_file.metrics.of("test")
    except (RunError, KeyError, TypeError) as error:
        # As text a KeyError is the bare key.
        row["status"] = f"broken: {error!r}" if isinstance(error, KeyError | TypeError) else f"broken: {error}"
    return row
