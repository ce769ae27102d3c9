"""``fecbench runs``: list runs, newest first, with their test scores."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fecbench.cli.common_options import JSON
from fecbench.core.errors import RunError
from fecbench.core.options import PATH
from fecbench.results.shown_metrics import MAIN
from fecbench.runs.find import all_records, check_folder
from fecbench.runs.record import ROOT
from fecbench.terminal.echo import echo
from fecbench.terminal.output import print_json, print_table, score_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fecbench.runs.record import Record

ABOUT = ("id", "objective", "dataset", "encoder", "seed", "status")


@click.command()
@click.argument("root", type=PATH, default=ROOT)
@JSON
def runs(root: Path, as_json: bool) -> None:
    """List runs, newest first, with their test scores.

    ROOT is the folder to search at any depth (default: runs/). Scores are in percent, NLL in nats a text; --json prints
    fractions and all metrics. A run on a test split without labels has none.
    """
    if root != ROOT:
        check_folder(root)
    rows = [_row(record) for record in all_records(root)]
    if as_json:
        print_json(rows)
    elif not rows:
        echo(f"no runs under {root}; start one with: fecbench run ce --dataset demo")
    else:
        scores = _scores(rows)
        lines = [[*(row[c] for c in ABOUT), *(_text(row, metric) for metric in scores)] for row in rows]
        print_table((*ABOUT, *scores), lines)


def _scores(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return the metrics to list: those of texts with one label each, then those of texts with several, if any is run.

    A run has a score in each column that its own texts have.
    """
    kinds = [kind for kind in MAIN if kind == "single" or any(row["labelling"] == kind for row in rows)]
    return list(dict.fromkeys(metric for kind in kinds for metric in MAIN[kind]))


def _text(row: dict[str, Any], metric: str) -> str:
    shown = metric in MAIN[row["labelling"] or "single"]
    return score_text(metric, row.get(metric)) if shown else ""


def _row(record: Record) -> dict[str, Any]:
    """Return a run's row. A broken record gets the reason as its status, so that the others are still listed."""
    row: dict[str, Any] = dict.fromkeys((*ABOUT, "labelling", *MAIN["single"]))
    row |= {"id": record.id, "folder": str(record.folder)}
    try:
        run_file = record.run_file
        dataset = run_file.dataset
        row |= {"objective": run_file.objective.name, "dataset": dataset.name, "status": record.status}
        row |= {"labelling": dataset.labelling, **{key: run_file.settings[key].value for key in ("encoder", "seed")}}
        if row["status"] == "complete":
            row |= record.result_file.metrics.of("test")
    except (RunError, KeyError, TypeError) as error:
        # As text a KeyError is the bare key.
        row["status"] = f"broken: {error!r}" if isinstance(error, KeyError | TypeError) else f"broken: {error}"
    return row
