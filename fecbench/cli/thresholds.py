"""``fecbench thresholds RUN...``: show what other thresholds would give a run."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fecbench.cli.common_options import DATA_DIR, JSON, ROOT
from fecbench.runs.find import find_run
from fecbench.terminal.echo import echo
from fecbench.terminal.output import percent, print_json, print_table
from fecbench.terminal.status_line import status_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fecbench.results.thresholds import Estimate, RuleScores, ThresholdStudy
    from fecbench.training.threshold_rule import ThresholdRule

COLUMNS = ("thresholds", "validation", "macro F1", "gain", "micro F1", "Jaccard", "no label")
NOTE = (
    "* the run's own rule. validation: macro F1 of validation rows, by thresholds from other folds of them. Choose a "
    "rule by this column alone: a rule that is chosen by test scores is tuned on test rows. In brackets: 95 % "
    "bootstrap intervals of the test rows, under the same thresholds. gain: macro F1 less that of the run's own rule, "
    "on the same resamples."
)


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option(
    "--resamples", type=click.IntRange(min=100), default=1000, show_default=True, help="number of bootstrap resamples"
)
@click.option("--by-label", is_flag=True, help="print the thresholds of each label too")
@DATA_DIR
@ROOT
@JSON
def thresholds(
    runs: Sequence[str], resamples: int, by_label: bool, data_dir: Path | None, root: Path, as_json: bool
) -> None:
    """Show what other thresholds would give a run.

    For runs on texts with several labels. Applies every rule of thresholds to the run's logits: fixed, one for all
    labels, one a label, with and without at least one label a text. Thresholds are tuned on validation rows. Labels are
    read from the data, because a record doesn't hold them.

    RUN is a run id, a run folder or a method (its newest complete run).

    \b
    Examples:
      fecbench thresholds ce
      fecbench thresholds runs/RUN-ID --by-label
    """
    from fecbench.results.thresholds import ThresholdStudy

    studies = [ThresholdStudy.of(find_run(run, root), data_dir, resamples) for run in runs]
    if as_json:
        print_json([_as_dict(study) for study in studies])
        return
    for study in studies:
        with status_line() as report:
            report(f"resampling the test rows of {study.record.id}")
            compared = study.compare()
        print_table(COLUMNS, [_cells(scores) for scores in compared], _title(study))
        if by_label:
            print_table(*_label_table(study, compared))
    echo(NOTE)


def _title(study: ThresholdStudy) -> str:
    run_file = study.record.run_file
    tuned_on = f", thresholds from {len(study.validation.true):,} validation rows" if study.validation else ""
    return (
        f"{run_file.objective.name} on {run_file.dataset.name} ({study.record.id}){tuned_on}, scores of "
        f"{len(study.test.true):,} test rows in %"
    )


def _cells(scores: RuleScores) -> list[str]:
    return [
        _words(scores.rule) + (" *" if scores.is_own else ""),
        percent(scores.validation),
        _shown(scores.scores["macro_f1"]),
        "" if scores.is_own else _shown(scores.gain, signed=True),
        _shown(scores.scores["micro_f1"]),
        _shown(scores.scores["jaccard"]),
        percent(scores.without_label),
    ]


def _words(rule: ThresholdRule) -> str:
    """Return a rule in words, such as ``per-class, shrink 20``."""
    values = {"fixed": f" {rule.fixed_threshold:g}", "global": "", "per-class": f", shrink {rule.shrink:g}"}
    return rule.thresholds + values[rule.thresholds] + (", at least one label" if rule.at_least_one else "")


def _shown(estimate: Estimate, signed: bool = False) -> str:
    sign = "+" if signed else ""
    value, low, high = (f"{100 * number:{sign}.2f}" for number in (estimate.value, estimate.low, estimate.high))
    return f"{value} ({low} to {high})"


def _label_table(study: ThresholdStudy, compared: Sequence[RuleScores]) -> tuple[list[str], list[list[object]]]:
    """Return the columns and rows of the thresholds of each label; rules that differ in nothing else share a column."""
    tuned = {scores.thresholds: _words(scores.rule) for scores in reversed(compared)}
    columns = {name: values for values, name in reversed(tuned.items())}
    counts = study.validation.true.sum(0).tolist() if study.validation else [None] * len(study.labels)
    rows = [
        [label, count, *(f"{values[number]:.3f}" for values in columns.values())]
        for number, (label, count) in enumerate(zip(study.labels, counts, strict=True))
    ]
    return ["label", "validation rows", *columns], rows


def _as_dict(study: ThresholdStudy) -> dict[str, Any]:
    run_file = study.record.run_file
    return {
        "run": study.record.id,
        "objective": run_file.objective.name,
        "dataset": run_file.dataset.name,
        "rows": {
            "validation": len(study.validation.true) if study.validation else None,
            "test": len(study.test.true),
        },
        "rules": [
            {
                **asdict(scores.rule),
                "own": scores.is_own,
                "validation_macro_f1": scores.validation,
                "test": {name: asdict(estimate) for name, estimate in scores.scores.items()},
                "gain": asdict(scores.gain),
                "without_label": scores.without_label,
                "by_label": dict(zip(study.labels, scores.thresholds, strict=True)),
            }
            for scores in study.compare()
        ],
    }
