"""Command-line options built from the fields of settings, and the click type of every path."""

from __future__ import annotations

from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import click

from fecbench.core.paths import expanded

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo


def options(config: type[BaseModel]) -> list[click.Parameter]:
    """Return one click option for each field of ``config``; an omitted option has the value None.

    The help text is the field's description. It does not show the default, which depends on method, encoder
    and data set (:mod:`fecbench.runs.defaults`).
    """
    return [_option(name, field) for name, field in config.model_fields.items()]


def _option(name: str, field: FieldInfo) -> click.Option:
    flag = name.replace("_", "-")
    help_text = field.description or ""
    option_type = _option_type(field.annotation)
    # The default None tells an omitted flag from one that was given with the default's value: only a flag that was
    # given wins over the layers below it.
    if option_type is bool:
        return click.Option([f"--{flag}/--no-{flag}"], default=None, help=help_text)
    return click.Option([f"--{flag}"], type=option_type, default=None, help=help_text)


def _option_type(annotation: Any) -> Any:
    """Return the click type of a field: a choice for a literal, the inner type of an optional, else the type."""
    if get_origin(annotation) is Literal:
        return click.Choice(get_args(annotation))
    inner = [part for part in get_args(annotation) if part is not NoneType]
    if not inner:
        return annotation
    # click takes one type, and float reads whole numbers too.
    return _option_type(float if {int, float} <= set(inner) else inner[0])


def argument(name: str, value: object) -> str:
    """Return the argument that gives an option of :func:`options` a value.

    >>> argument("batch_size", 8), argument("packing", False)
    ('--batch-size=8', '--no-packing')
    """
    flag = name.replace("_", "-")
    if isinstance(value, bool):
        return f"--{flag}" if value else f"--no-{flag}"
    return f"--{flag}={value}"


class ExpandedPath(click.Path):
    """The click type of a path in which ``~`` stands for the home folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return ``value`` as a path with ``~`` expanded."""
        return Path(expanded(str(super().convert(value, param, ctx))))


PATH = ExpandedPath()
"""The click type of the paths that a command takes; ``~`` in them stands for the home folder."""
