"""The words and cells of :class:`~fecbench.results.cases.Cases`, for the formats."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fecbench.results.cases import Case, Cases


COLUMNS: tuple[str, ...] = ("row", "utterance", "{worse}", "p", "{better}", "p", "p(gold) {worse}", "p(gold) {better}")
TEXT_COLUMNS: tuple[str, ...] = ("utterance", "{worse}", "{better}")
CAPTION = "Texts that {better} labels correctly and {worse} doesn't."


def summary(cases: Cases, top: int, names: tuple[str, str]) -> str:
    """Return the counts of all rows as a sentence that puts the first ``top`` cases into proportion."""
    better, worse = names
    rows = f"{cases.rows:,} {cases.split} rows of {cases.better.run_file.dataset.name}"
    shown = min(top, len(cases.cases))
    return (
        f"Of {rows}, {better} alone gets {len(cases.cases):,} right and {worse} alone {cases.worse_only:,}; both get "
        f"{cases.both_right:,} right and {cases.both_wrong:,} wrong. Shown: {shown:,} of the rows that {better} alone "
        f"gets right, selected by the largest gain in the gold label's probability; they are not typical."
    )


def cells(case: Case) -> list[Any]:
    """Return a line of the table. Each column ``p`` holds the probability of the label in the column before it."""
    answers = (case.worse, case.better)
    labels = [cell for answer in answers for cell in (answer.label, f"{answer.probability:.2f}")]
    gold = [f"{answer.gold_probability:.2f}" for answer in answers]
    return [case.row, " ".join(case.text.split()), *labels, *gold]


def counts(cases: Cases) -> dict[str, int]:
    """Return the numbers of rows by name, for JSON."""
    return {
        "better_only": len(cases.cases),
        "worse_only": cases.worse_only,
        "both_right": cases.both_right,
        "both_wrong": cases.both_wrong,
    }


def as_dict(case: Case) -> dict[str, Any]:
    """Return a case as a JSON object."""
    return asdict(case) | {"gain": case.gain}
