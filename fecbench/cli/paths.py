"""The type of every path that a command takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from fecbench.paths import expanded


class ExpandedPath(click.Path):
    """A path in which ``~`` is the home folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path that ``value`` names."""
        return Path(expanded(str(super().convert(value, param, ctx))))


PATH = ExpandedPath()
