"""What is said on the terminal: nothing in a text, label or name can steer it."""

from __future__ import annotations

from collections.abc import Iterable

import click

from fecbench.core.text import inline, shown


def echo(line: str, err: bool = False) -> None:
    """Print one line, in which names of anybody's making can't begin another, on standard output or standard error."""
    click.echo(inline(line), err=err)


def echo_fields(fields: Iterable[str]) -> None:
    """Print one line of ``fields`` between tabs, none of which can hold a tab."""
    click.echo("\t".join(map(inline, fields)))


def echo_document(text: str) -> None:
    """Print a text of several lines, whose format has its own way to hold names, on standard output."""
    click.echo(shown(text), nl=False)
