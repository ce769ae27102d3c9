"""Print the result of a run: its scores, its predictions and what to type next."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from fecbench.runs.record import ROOT, TABLE
from fecbench.terminal.echo import echo
from fecbench.terminal.output import print_json, print_table, score_columns, score_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from fecbench.runs.record import Record


def report(record: Record, as_json: bool, predictions: Path | None) -> None:
    """Print the result on standard output, and remarks on standard error.

    Args:
        record: the complete run.
        as_json: print the result as JSON instead of tables.
        predictions: the file that the predictions were written to; None if none was asked for.
    """
    if as_json:
        _print_json(record)
    else:
        _print_scores(record)
    if record.result_file.metrics.test is None:
        echo(f"no test scores: the test split has no labels; its predictions: {record.folder / TABLE}", err=True)
    if predictions:
        echo(f"written: {predictions}", err=True)
    run, root = shlex.quote(str(record.folder)), shlex.quote(str(record.folder.parent))
    if record.folder.parent == ROOT:  # where other commands look for runs
        run, root = shlex.quote(record.id), ""
    echo(f'next: fecbench predict {run} "a text", or fecbench leaderboard {root}'.rstrip(), err=True)


def _print_json(record: Record) -> None:
    run_file = record.run_file
    print_json(
        {
            "id": record.id,
            "folder": str(record.folder),
            "objective": run_file.objective.model_dump(exclude_unset=True),
            "dataset": run_file.dataset.name,
            **record.result,
        }
    )


def _print_scores(record: Record) -> None:
    run_file, result = record.run_file, record.result_file
    scores = result.metrics.by_split()
    if not scores:  # a method that scores the test split alone, without labels there
        return
    names = score_columns({name: value for of_split in scores.values() for name, value in of_split.items()})
    data, best = run_file.dataset, result.best_epoch  # older records have no best epoch
    title = f"{run_file.objective.name} on {data.name}: {data.title or 'untitled'} (best epoch {best}, in %)"
    baseline = result.majority.scores if result.majority else {}
    print_table(
        ["split", *names],
        [
            *([split, *_texts(scores[split], names)] for split in scores),
            *([f"{split}, most frequent class", *_texts(of_split, names)] for split, of_split in baseline.items()),
        ],
        title,
    )
    if result.majority:
        echo(f"most frequent class: {result.majority.label} of the training rows, predicted for every text")


def _texts(scores: Mapping[str, float], names: Sequence[str]) -> list[str]:
    return [score_text(name, scores.get(name)) for name in names]
