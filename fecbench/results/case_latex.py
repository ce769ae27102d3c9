"""Write compared runs as a LaTeX table, like the AML paper's Table 4."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fecbench.results import latex
from fecbench.results.case_formats import note, summary, table, text_columns
from fecbench.results.display_names import method_display

if TYPE_CHECKING:
    from fecbench.results.case_formats import AnyCases

TEXT_WIDTH = r"p{0.4\textwidth}"  # of the column of utterances, whose lines are broken


def case_table(cases: AnyCases, top: int) -> str:
    """Return a LaTeX file with the first ``top`` cases, and with the counts of all rows under the table.

    It holds texts of the data set, so publish it only where the data may be published.
    """
    columns, lines = table(cases, top)
    names = [_displayed(name, cases) for name in columns]
    body = [
        latex.line(map(latex.escape, names)),
        r"\midrule",
        *(latex.line(latex.escape(str(cell)) for cell in line) for line in lines),
    ]
    notes = [latex.escape(sentence) for sentence in (summary(cases, top), note(cases)) if sentence]
    letters = "".join(_letter(number, name, cases) for number, name in enumerate(columns))
    content = latex.table(letters, body, _caption(cases), notes=notes, wide=True)
    return f"{latex.head('Cases')}\n\n{content}\n"


def _caption(cases: AnyCases) -> str:
    better, worse = (method_display(record.run_file.objective.name) for record in (cases.better, cases.worse))
    return latex.escape(f"Texts on which {better} is right or nearer to the gold labels, and {worse} is not.")


def _letter(number: int, name: str, cases: AnyCases) -> str:
    """Return LaTeX's letter for a column: the utterances, which are its second, as a paragraph."""
    if number == 1:
        return TEXT_WIDTH
    return "l" if name in text_columns(cases) else "r"


def _displayed(name: str, cases: AnyCases) -> str:
    """Return a column's heading with the display names of the methods, if the runs go by their methods' names."""
    for shown, record in zip(cases.names, (cases.better, cases.worse), strict=True):
        objective = record.run_file.objective.name
        if shown == objective and name.split()[-1:] == [shown]:
            return f"{name.removesuffix(shown)}{method_display(objective)}"
    return name
