"""Print to the terminal with control characters escaped.

Texts, labels and names come from data and plugins. None of them can move the cursor, change colours or begin a line.
"""

from __future__ import annotations

from collections.abc import Iterable

import click

from fecbench.core.text import inline, shown


def echo(line: str, err: bool = False) -> None:
    """Print one line on standard output or standard error; line breaks and control characters are escaped."""
    click.echo(inline(line), err=err)


def echo_fields(fields: Iterable[str]) -> None:
    """Print ``fields`` as one line, separated by tabs; tabs within a field are escaped."""
    click.echo("\t".join(map(inline, fields)))


def echo_document(text: str) -> None:
    """Print a text of several lines on standard output, for a format that escapes names itself."""
    click.echo(shown(text), nl=False)
