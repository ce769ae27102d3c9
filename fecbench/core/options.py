"""Command-line options from typed settings: a field's name, type, default and description say it all.

The type of every path that a command takes."""

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
    """One option for each field; one that isn't given has the value None, whatever the field's default.

    The help text is the field's description. The default isn't in it, since that depends on method, encoder and data set
    (:mod:`fecbench.runs.defaults`).
    """
    return [_option(name, field) for name, field in config.model_fields.items()]


def _option(name: str, field: FieldInfo) -> click.Option:
    flag = "--" + name.replace("_", "-")
    kind, text = _kind(field.annotation), field.description or ""
    if kind is bool:
        return click.Option([f"{flag}/--no-{flag[2:]}"], default=None, help=text)
    return click.Option([flag], type=kind, default=None, help=text)


def _kind(annotation: Any) -> Any:
    """The click type of a field: a choice for a literal, and for an optional the type it holds."""
    if get_origin(annotation) is Literal:
        return click.Choice(get_args(annotation))
    inner = [part for part in get_args(annotation) if part is not NoneType]
    return _kind(float if {int, float} <= set(inner) else inner[0]) if inner else annotation


class ExpandedPath(click.Path):
    """A path in which ``~`` is the home folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path that ``value`` names."""
        return Path(expanded(str(super().convert(value, param, ctx))))


PATH = ExpandedPath()
