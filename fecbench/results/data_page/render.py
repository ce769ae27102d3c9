"""Render statistics of data sets as a web page."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fecbench.core.text import printable, shortened
from fecbench.data.datasets.measures.set_numbers import NO_LABEL
from fecbench.results.data_page.class_bars import ClassBars, class_bars
from fecbench.results.data_page.length_charts import length_chart
from fecbench.results.page.web_page import environment, policy, style_sheet

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fecbench.data.datasets.measures.statistics import Statistics
    from fecbench.results.page.charts import Chart


FOLDER = Path(__file__).parent
LONGEST_TEXT = 300  # characters of a text that is shown as an example


@dataclass(frozen=True)
class Section:
    """The part of the page about a data set: its figures by name, its bars and charts, and its most frequent sets."""

    statistics: Statistics
    figures: dict[str, Any]
    bars: ClassBars
    charts: tuple[Chart, ...]
    frequent_sets: tuple[tuple[str, int], ...]


def page(statistics: Sequence[Statistics]) -> str:
    """Return a self-contained HTML page about data sets.

    It has rows, bars of the classes, charts of the lengths, equal texts, and notes. Equal statistics give equal pages.
    All texts are escaped. It shows some texts of the data sets: those with contradictory labels.
    """
    style = style_sheet(FOLDER / "data_page.css")
    templates = environment(FOLDER)
    templates.filters |= {"example": example, "number": number, "shortened": shortened}
    text = templates.get_template("data_page.html.jinja").render(
        title=f"Data: {', '.join(one.data.name for one in statistics)}",
        sections=[_section(one) for one in statistics],
        version=version("fecbench"),
        style=style,
        policy=policy(style),
    )
    return printable(text)  # a direction mark in a text would reorder what follows it


def _section(one: Statistics) -> Section:
    lengths = [one.lengths, *([one.tokens.lengths] if one.tokens else [])]
    drawn = (length_chart(each) for each in lengths)
    charts = tuple(chart for chart in drawn if chart)
    return Section(one, one.as_dict(), class_bars(one.classes), charts, tuple(_frequent_sets(one)))


def _frequent_sets(one: Statistics) -> Iterator[tuple[str, int]]:
    """Yield the most frequent sets of labels in words, and their rows; none if each text has one label."""
    for labels, rows in one.label_sets.frequent() if one.label_sets else ():
        yield ", ".join(labels) or NO_LABEL, rows


def example(text: str) -> str:
    """Return a text with at most ``LONGEST_TEXT`` characters.

    >>> example("a" * 400)[-5:]
    'aa...'
    """
    text = text.strip()
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}..."


def number(value: float) -> str:
    """Return a number with at most two decimals.

    >>> number(14.0), number(1234.567), number(100)
    ('14', '1,234.57', '100')
    """
    return f"{value:,.2f}".rstrip("0").rstrip(".")
