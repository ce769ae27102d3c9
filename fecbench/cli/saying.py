"""What is said on the terminal: nothing in a text, label or name can steer it."""

from __future__ import annotations

import click

from fecbench.markdown import shown


def say(text: str, err: bool = False, nl: bool = True) -> None:
    """Print ``text``, which may hold texts of anybody's making, on standard output, or on standard error."""
    click.echo(shown(text), err=err, nl=nl)
