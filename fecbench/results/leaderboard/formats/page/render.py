"""A board as a web page."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from fecbench.results.leaderboard.formats import layout
from fecbench.results.leaderboard.formats.page import (
    charts,
    conditions,
    confusions,
    score_table,
    seed_scores,
    training,
)

if TYPE_CHECKING:
    from fecbench.results.leaderboard.board import Board, Table


FOLDER = Path(__file__).parent
MINUS = "\u2212"


@dataclass(frozen=True)
class Section:
    """A table and all that is shown of it."""

    heading: str
    measured_here: bool
    scores: score_table.ScoreTable
    seed_scores: tuple[seed_scores.SeedScores, ...]
    confusions: tuple[confusions.Confusions, ...]
    training: tuple[training.Training, ...]
    conditions: conditions.Conditions | None


def page(board: Board) -> str:
    """The board as one HTML file that loads nothing: sortable tables, spread over seeds, confused labels, training, how it was measured.

    Equal boards give equal pages. What comes from records stands there as text, whatever it is.
    """
    style, script = ((FOLDER / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    template = _environment().get_template("page.html.jinja")
    return template.render(
        board=board,
        sections=[_section(heading, table, table is not board.published) for heading, table in layout.tables(board)],
        runs=len(list(board.runs())),
        version=version("fecbench"),
        style=style,
        script=script,
        policy=_policy(style, script),
    )


def _section(heading: str, table: Table, measured_here: bool) -> Section:
    parts = (
        score_table.score_table(table),
        seed_scores.of_table(table),
        confusions.of_table(table),
        training.of_table(table),
    )
    return Section(heading, measured_here, *parts, conditions.of_table(table))


def _environment() -> Environment:
    """Templates in which everything is escaped and an unknown name is an error."""
    made = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        loader=FileSystemLoader(FOLDER),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {"points": points, "p_text": score_table.p_text, "heat": heat}
    made.globals["charts"] = charts
    return made


def _policy(style: str, script: str) -> str:
    """What a browser may do with the page: it loads nothing, and runs this style and this script alone, whatever else slipped in."""
    allowed = {
        "default-src": "'none'",
        "img-src": "data:",
        "style-src": _hash(style),
        "script-src": _hash(script),
        "base-uri": "'none'",
    }
    return "; ".join(f"{what} {where}" for what, where in allowed.items())


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def points(share: float) -> str:
    """A difference of shares in percentage points, always with a sign.

    >>> points(0.1234), points(0.0)
    ('+12.3', '0.0')
    """
    text = f"{100 * share:+.1f}"
    return "0.0" if float(text) == 0 else text.replace("-", MINUS)


def heat(share: float, highest: float) -> int:
    """How deeply a share is coloured, from 0 to 5, beside the highest of its table.

    >>> heat(0.0, 0.3), heat(0.3, 0.3), heat(0.1, 0.3)
    (0, 5, 2)
    """
    return round(5 * share / highest) if highest else 0
