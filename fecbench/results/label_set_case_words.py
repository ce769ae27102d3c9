"""The words and cells of :class:`~fecbench.results.label_set_cases.LabelSetCases`, for the formats."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fecbench.results.label_set_cases import LabelSetCase, LabelSetCases


COLUMNS: tuple[str, ...] = (
    "row",
    "utterance",
    "labels",
    "{worse}",
    "{better}",
    "Jaccard {worse}",
    "Jaccard {better}",
    "NLL {worse}",
    "NLL {better}",
)
TEXT_COLUMNS: tuple[str, ...] = ("utterance", "labels", "{worse}", "{better}")
CAPTION = "Texts whose labels {better} gives with a greater Jaccard index than {worse}."
NO_LABEL = "(none)"


def summary(cases: LabelSetCases, top: int, names: tuple[str, str]) -> str:
    """Return the counts of all rows as a sentence that puts the first ``top`` cases into proportion."""
    better, worse = names
    rows = f"{cases.rows:,} {cases.split} rows of {cases.better.run_file.dataset.name}"
    shown = min(top, len(cases.cases))
    return (
        f"Of {rows}, {better} has the greater Jaccard index on {len(cases.cases):,} and {worse} on "
        f"{cases.worse_ahead:,}; on {cases.equal:,} they are equal. Shown: {shown:,} of the rows on which {better} is "
        f"ahead, selected by the largest gain in Jaccard index, then in NLL (nats); they are not typical."
    )


def cells(case: LabelSetCase) -> list[Any]:
    """Return a line of the table."""
    answers = (case.worse, case.better)
    labels = [_listed(labels) for labels in (case.gold, *(answer.labels for answer in answers))]
    scores = [f"{score:.2f}" for score in (*(a.jaccard for a in answers), *(a.nll for a in answers))]
    return [case.row, " ".join(case.text.split()), *labels, *scores]


def counts(cases: LabelSetCases) -> dict[str, int]:
    """Return the numbers of rows by name, for JSON."""
    return {"better_ahead": len(cases.cases), "worse_ahead": cases.worse_ahead, "equal": cases.equal}


def as_dict(case: LabelSetCase) -> dict[str, Any]:
    """Return a case as a JSON object."""
    return asdict(case) | {"gain": case.gain, "nll_gain": case.nll_gain}


def _listed(labels: Sequence[str]) -> str:
    return ", ".join(labels) or NO_LABEL
