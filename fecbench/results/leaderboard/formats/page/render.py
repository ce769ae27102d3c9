"""Render a board as a web page."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from fecbench.results.leaderboard.formats import layout
from fecbench.results.leaderboard.formats.page import conditions, confusions, score_table, seed_scores, training
from fecbench.results.page.web_page import environment, policy, style_sheet
from fecbench.runs.identity import repetition_words

if TYPE_CHECKING:
    from jinja2 import Environment

    from fecbench.results.leaderboard.board import Board, Table


FOLDER = Path(__file__).parent
MINUS = "\u2212"


@dataclass(frozen=True)
class Section:
    """A section of the page: a table, the units of its scores, what each is of (seed or fold), and its other parts."""

    heading: str
    units: str
    repeated: str
    measured_here: bool
    scores: score_table.ScoreTable
    seed_scores: tuple[seed_scores.SeedScores, ...]
    confusions: tuple[confusions.Confusions, ...]
    training: tuple[training.Training, ...]
    conditions: conditions.Conditions | None


def page(board: Board) -> str:
    """Return the board as a self-contained HTML page.

    It has sortable tables, scores by seed, confused labels, training curves and the conditions of the runs. Equal
    boards give equal pages. Texts from records are escaped.
    """
    style, script = style_sheet(), (FOLDER / "page.js").read_text(encoding="utf-8")
    template = _environment().get_template("page.html.jinja")
    return template.render(
        board=board,
        sections=[_section(heading, table, table is not board.published) for heading, table in layout.tables(board)],
        runs=len(list(board.runs())),
        version=version("fecbench"),
        style=style,
        script=script,
        policy=policy(style, script),
    )


def _section(heading: str, table: Table, measured_here: bool) -> Section:
    parts = (
        score_table.score_table(table),
        seed_scores.seed_scores_of(table),
        confusions.confusions_of(table),
        training.training_of(table),
    )
    repeated = "fold" if table.folded else "seed"
    return Section(heading, layout.units(table), repeated, measured_here, *parts, conditions.conditions_of(table))


def _environment() -> Environment:
    """Return the environment of the templates: it escapes every value and raises for unknown names."""
    templates = environment(FOLDER)
    templates.filters |= {
        "points": points,
        "p_text": score_table.p_text,
        "heat": heat,
        "repetition": repetition_words,
    }
    return templates


def points(share: float) -> str:
    """Return a difference of shares in percentage points, with a sign unless it is 0.

    >>> points(0.1234), points(0.0)
    ('+12.3', '0.0')
    """
    text = f"{100 * share:+.1f}"
    return "0.0" if float(text) == 0 else text.replace("-", MINUS)  # a tiny difference would be +0.0 or -0.0


def heat(share: float, highest: float) -> int:
    """Return the colour step of a share, from 0 to 5, relative to the highest share of its table.

    >>> heat(0.0, 0.3), heat(0.3, 0.3), heat(0.1, 0.3)
    (0, 5, 2)
    """
    return round(5 * share / highest) if highest else 0
