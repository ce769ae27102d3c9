"""What commands print: rich tables for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from fecbench.cli.terminal.echo import echo, echo_document
from fecbench.core.text import CONTROLS, inline

WIDE = 200


def console(stderr: bool = False) -> Console:
    """A console that takes no text for markup, and doesn't cut lines to 80 columns where it writes to a file or pipe."""
    plain: dict[str, Any] = {"stderr": stderr, "highlight": False, "markup": False, "emoji": False}
    out = Console(**plain)
    return out if out.is_terminal else Console(**plain, width=WIDE)


def print_json(content: Any) -> None:
    """``content`` as JSON on standard output."""
    text = json.dumps(content, indent=1, ensure_ascii=False, default=str)
    lines = text.split("\n")  # JSON's own: those in names are escaped, as other control characters are, but for some
    echo_document("".join(CONTROLS.sub(lambda sign: f"\\u{ord(sign[0]):04x}", line) + "\n" for line in lines))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], title: str | None = None) -> None:
    """A table; numbers stand to the right."""
    if title:
        echo(title)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for index, column in enumerate(columns):
        numeric = all(isinstance(row[index], int | float) for row in rows)
        table.add_column(inline(column), justify="right" if numeric and rows else "left", overflow="fold")
    for row in rows:
        table.add_row(*(inline(_cell(value)) for value in row))
    console().print(table)


def _cell(value: object) -> str:
    return (
        f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else "" if value is None else str(value)
    )


def percent(score: float | None) -> str:
    """A fraction as a percentage with two decimals."""
    return "" if score is None else f"{100 * score:.2f}"


def score_columns(scores: Mapping[str, float]) -> list[str]:
    """The metrics in the paper's order, then any others."""
    from fecbench.training.metrics import PRIMARY

    return [*(name for name in PRIMARY if name in scores), *sorted(set(scores) - set(PRIMARY))]
