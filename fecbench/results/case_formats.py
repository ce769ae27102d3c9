"""Render :class:`~fecbench.results.cases.Cases` as a table, a Markdown page or a JSON object."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from fecbench.core.text import escape
from fecbench.results.comparison import difference_note
from fecbench.runs.identity import differing_settings

if TYPE_CHECKING:
    from fecbench.results.cases import Case, Cases
    from fecbench.runs.record import Record


COLUMNS = ("row", "utterance", "{worse}", "p", "{better}", "p", "p(gold) {worse}", "p(gold) {better}")


def summary(cases: Cases, top: int) -> str:
    """Return the counts of all rows as a sentence that puts the first ``top`` cases into proportion."""
    better, worse = cases.names
    rows = f"{cases.rows:,} {cases.split} rows of {cases.better.run_file.dataset.name}"
    shown = min(top, len(cases.cases))
    return (
        f"Of {rows}, {better} alone gets {len(cases.cases):,} right and {worse} alone {cases.worse_only:,}; both get "
        f"{cases.both_right:,} right and {cases.both_wrong:,} wrong. Shown: {shown:,} of the rows that {better} alone "
        f"gets right, selected by the largest gain in the gold label's probability; they are not typical."
    )


def note(cases: Cases) -> str:
    """Return a sentence that lists the differing run settings of the two runs; empty if none differ."""
    return difference_note(differing_settings([cases.better, cases.worse]))


def table(cases: Cases, top: int) -> tuple[list[str], list[list[Any]]]:
    """Return column names and the first ``top`` rows, as in the paper's Table 4.

    Each column ``p`` holds the probability of the label in the column before it.
    """
    better, worse = cases.names
    lines = [[case.row, " ".join(case.text.split()), *_answer_cells(case)] for case in cases.cases[:top]]
    return [column.format(better=better, worse=worse) for column in COLUMNS], lines


def _answer_cells(case: Case) -> list[str]:
    labels = [cell for answer in (case.worse, case.better) for cell in (answer.label, f"{answer.probability:.2f}")]
    return [*labels, *(f"{answer.gold_probability:.2f}" for answer in (case.worse, case.better))]


def markdown(cases: Cases, top: int) -> str:
    """Return a Markdown page with the counts, the table and the names of both runs.

    It holds texts of the data set, so publish it only where the data may be published.
    """
    columns, lines = table(cases, top)
    text_columns = ("utterance", *cases.names)
    rows = [[escape(str(cell)) for cell in line] for line in (columns, *lines)]
    rows.insert(1, ["---" if name in text_columns else "---:" for name in columns])
    licence = cases.better.run_file.dataset.licence or "unknown"
    methods = [record.run_file.objective.name for record in (cases.better, cases.worse)]
    runs = ", ".join(f"{method}: {run}" for method, run in zip(methods, cases.runs, strict=True))
    head = " ".join(sentence for sentence in (summary(cases, top), note(cases)) if sentence)
    lines_of_table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"{escape(head)}\n\n{lines_of_table}\n\nRuns: {escape(runs)}. Licence of the texts: {escape(licence)}.\n"


def as_dict(cases: Cases, top: int) -> dict[str, Any]:
    """Return the counts, the first ``top`` cases and a description of both runs as a JSON object."""
    return {
        "better": _run(cases.better),
        "worse": _run(cases.worse),
        "differing": differing_settings([cases.better, cases.worse]),
        "dataset": cases.better.run_file.dataset.name,
        "fingerprint": cases.better.run_file.dataset.fingerprint,
        "split": cases.split,
        "rows": cases.rows,
        "better_only": len(cases.cases),
        "worse_only": cases.worse_only,
        "both_right": cases.both_right,
        "both_wrong": cases.both_wrong,
        "cases": [asdict(case) | {"gain": case.gain} for case in cases.cases[:top]],
    }


def _run(record: Record) -> dict[str, Any]:
    return {"id": record.id, "objective": record.run_file.objective.name, "seed": record.settings()["seed"]}
