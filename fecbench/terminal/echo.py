"""Print to the terminal with control characters escaped.

Texts, labels and names come from data and plugins. None of them can move the cursor, change colours or begin a line.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

import click

from fecbench.core.text import inline, printable


def echo(line: str, err: bool = False) -> None:
    """Print one line on standard output or standard error; line breaks and control characters are escaped."""
    # click writes past rich's proxy of standard error, into the line of a bar that is shown.
    beside_a_bar = err and hasattr(sys.stderr, "rich_proxied_file")
    click.echo(inline(line), file=sys.stderr if beside_a_bar else None, err=err)


def echo_fields(fields: Iterable[str]) -> None:
    """Print ``fields`` as one line, separated by tabs; tabs within a field are escaped."""
    click.echo("\t".join(map(inline, fields)))


def echo_document(text: str) -> None:
    """Print a text of several lines on standard output, for a format that escapes names itself."""
    click.echo(printable(text), nl=False)
