"""Render compared runs, with one label a text or several, as a table, a Markdown page or a JSON object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from fecbench.core.text import escape
from fecbench.results import case_words, label_set_case_words
from fecbench.results.comparison import difference_note
from fecbench.results.label_set_cases import LabelSetCases
from fecbench.runs.identity import differing_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fecbench.results.cases import Cases
    from fecbench.runs.record import Record

    AnyCases = Cases | LabelSetCases
    Names = tuple[str, str]  # of the better and the worse run


class Words(Protocol):
    """The words of a kind of cases, as its module defines them; ``{better}`` and ``{worse}`` stand for names."""

    COLUMNS: tuple[str, ...]
    TEXT_COLUMNS: tuple[str, ...]
    CAPTION: str

    def summary(self, cases: Any, top: int, names: Names) -> str:
        """Return the counts of all rows as a sentence."""

    def cells(self, case: Any) -> list[Any]:
        """Return a line of the table."""

    def counts(self, cases: Any) -> dict[str, int]:
        """Return the numbers of rows by name."""

    def as_dict(self, case: Any) -> dict[str, Any]:
        """Return a case as a JSON object."""


def _words(cases: AnyCases) -> Words:
    return label_set_case_words if isinstance(cases, LabelSetCases) else case_words


def summary(cases: AnyCases, top: int, names: Names | None = None) -> str:
    """Return the counts of all rows as a sentence that puts the first ``top`` cases into proportion."""
    return _words(cases).summary(cases, top, names or cases.names)


def caption(cases: AnyCases, names: Names) -> str:
    """Return a sentence that says which texts the table lists."""
    return _named([_words(cases).CAPTION], names)[0]


def note(cases: AnyCases) -> str:
    """Return a sentence that lists the differing run settings of the two runs; empty if none differ."""
    return difference_note(differing_settings([cases.better, cases.worse]))


def table(cases: AnyCases, top: int, names: Names | None = None) -> tuple[list[str], list[list[Any]]]:
    """Return column names and the first ``top`` rows, for one label a text as in the paper's Table 4."""
    words = _words(cases)
    return _named(words.COLUMNS, names or cases.names), [words.cells(case) for case in cases.cases[:top]]


def _named(columns: Sequence[str], names: Names) -> list[str]:
    """Return the names of columns, with those of the runs."""
    better, worse = names
    return [column.format(better=better, worse=worse) for column in columns]


def text_columns(cases: AnyCases, names: Names | None = None) -> list[str]:
    """Return the names of the columns that hold text rather than numbers."""
    return _named(_words(cases).TEXT_COLUMNS, names or cases.names)


def markdown(cases: AnyCases, top: int) -> str:
    """Return a Markdown page with the counts, the table and the names of both runs.

    It holds texts of the data set, so publish it only where the data may be published.
    """
    columns, lines = table(cases, top)
    of_text = text_columns(cases)
    rows = [[escape(str(cell)) for cell in line] for line in (columns, *lines)]
    rows.insert(1, ["---" if name in of_text else "---:" for name in columns])
    licence = cases.better.run_file.dataset.licence or "unknown"
    methods = [record.run_file.objective.name for record in (cases.better, cases.worse)]
    runs = ", ".join(f"{method}: {run}" for method, run in zip(methods, cases.runs, strict=True))
    head = " ".join(sentence for sentence in (summary(cases, top), note(cases)) if sentence)
    lines_of_table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"{escape(head)}\n\n{lines_of_table}\n\nRuns: {escape(runs)}. Licence of the texts: {escape(licence)}.\n"


def as_dict(cases: AnyCases, top: int) -> dict[str, Any]:
    """Return the counts, the first ``top`` cases and a description of both runs as a JSON object."""
    words = _words(cases)
    return {
        "better": _run(cases.better),
        "worse": _run(cases.worse),
        "differing": differing_settings([cases.better, cases.worse]),
        "dataset": cases.better.run_file.dataset.name,
        "fingerprint": cases.better.run_file.dataset.fingerprint,
        "split": cases.split,
        "rows": cases.rows,
        **words.counts(cases),
        "cases": [words.as_dict(case) for case in cases.cases[:top]],
    }


def _run(record: Record) -> dict[str, Any]:
    return {"id": record.id, "objective": record.run_file.objective.name, "seed": record.settings()["seed"]}
