"""What commands print: rich tables for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table

WIDE = 200


def console(stderr: bool = False) -> Console:
    """A console that doesn't cut lines to 80 columns where it writes to a file or pipe."""
    out = Console(stderr=stderr, highlight=False)
    return out if out.is_terminal else Console(stderr=stderr, highlight=False, width=WIDE)


def print_json(content: Any) -> None:
    """``content`` as JSON on standard output."""
    click.echo(json.dumps(content, indent=1, ensure_ascii=False, default=str))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], title: str | None = None) -> None:
    """A table; numbers stand to the right, and no text is taken for markup."""
    from rich.text import Text

    if title:
        click.echo(title)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for index, column in enumerate(columns):
        numeric = all(isinstance(row[index], int | float) for row in rows)
        table.add_column(column, justify="right" if numeric and rows else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(_cell(value)) for value in row))
    console().print(table)


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else "" if value is None else str(value)


def percent(score: float | None) -> str:
    """A fraction as a percentage with two decimals."""
    return "" if score is None else f"{100 * score:.2f}"


def score_columns(scores: Mapping[str, float]) -> list[str]:
    """The metrics in the paper's order, then any others."""
    from fecbench.metrics import PRIMARY

    return [*(name for name in PRIMARY if name in scores), *sorted(set(scores) - set(PRIMARY))]
