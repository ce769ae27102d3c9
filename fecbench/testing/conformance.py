"""All checks of an objective."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING

import click

from fecbench.core import settings
from fecbench.core.options import options
from fecbench.testing.findings import NotConforming
from fecbench.testing.predictions import PredictionChecks
from fecbench.testing.updates import UpdateChecks
from fecbench.testing.wholes import RunChecks

if TYPE_CHECKING:
    from collections.abc import Mapping


class ObjectiveConformance(RunChecks, PredictionChecks, UpdateChecks):
    """Checks of the objective registered as ``name``; each method is one.

    Attributes:
        name: the objective.
        settings: run settings and options to check it under, beside its defaults, such as ``{"epochs": 6}`` for one that learns slowly.
    """

    def test_options_go_to_the_command_line_and_to_toml_and_back(self) -> None:
        """Every option given as a flag or in a TOML file means what it means in Python."""
        kind, config = self.subject.plan.objective.Config, self.subject.plan.options
        given = {name: value for name, value in config.model_dump().items() if value is not None}
        toml = tomllib.loads(
            "\n".join(f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in given.items())
        )
        flags = click.Command("check", params=options(kind)).make_context("check", _arguments(given)).params
        for way, found in (
            ("TOML", toml),
            ("the command line", {name: value for name, value in flags.items() if value is not None}),
        ):
            again = settings.build(kind, found, way)
            if again != config:
                raise NotConforming(
                    f"options that survive {way}: {config!r}", repr(again), self.subject.where("Config")
                )


def _arguments(given: Mapping[str, object]) -> list[str]:
    """``given`` as somebody would type it."""
    typed = []
    for name, value in given.items():
        flag = name.replace("_", "-")
        typed += [f"--{flag}" if value else f"--no-{flag}"] if isinstance(value, bool) else [f"--{flag}", str(value)]
    return typed
