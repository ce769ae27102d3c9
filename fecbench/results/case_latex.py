"""Write compared runs as a LaTeX table, like the AML paper's Table 4."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fecbench.results import case_formats, latex
from fecbench.results.display_names import method_display

if TYPE_CHECKING:
    from fecbench.results.case_formats import AnyCases

TEXT_WIDTH = r"p{0.4\textwidth}"  # of the column of utterances, whose lines are broken


def case_table(cases: AnyCases, top: int, caption: str = "", label: str = "") -> str:
    """Return a LaTeX file with the first ``top`` cases, and with the counts of all rows under the table.

    It holds texts of the data set, so publish it only where the data may be published.
    """
    names = _displayed(cases)
    columns, lines = case_formats.table(cases, top, names)
    body = [
        latex.line(map(latex.escape, columns)),
        r"\midrule",
        *(latex.line(latex.escape(str(cell)) for cell in line) for line in lines),
    ]
    notes = (case_formats.summary(cases, top, names), case_formats.note(cases))
    of_text = case_formats.text_columns(cases, names)
    letters = "".join(_letter(number, name in of_text) for number, name in enumerate(columns))
    content = latex.table(
        letters,
        body,
        latex.escape(caption or case_formats.caption(cases, names)),
        notes=[latex.escape(sentence) for sentence in notes if sentence],
        label=label,
        wide=True,
    )
    return f"{latex.head('Cases')}\n\n{content}\n"


def _displayed(cases: AnyCases) -> tuple[str, str]:
    """Return the display names of the two methods; the names of the runs if the methods are equal."""
    better, worse = (record.run_file.objective.name for record in (cases.better, cases.worse))
    return cases.names if better == worse else (method_display(better), method_display(worse))


def _letter(number: int, of_text: bool) -> str:
    """Return LaTeX's letter for a column: the utterances, which are its second, as a paragraph."""
    if number == 1:
        return TEXT_WIDTH
    return "l" if of_text else "r"
