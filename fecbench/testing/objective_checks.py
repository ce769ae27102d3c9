"""The conformance kit for objectives."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING

import click

from fecbench.core import settings
from fecbench.core.options import options
from fecbench.testing.findings import NotConforming
from fecbench.testing.prediction_checks import PredictionChecks
from fecbench.testing.run_checks import RunChecks
from fecbench.testing.update_checks import UpdateChecks

if TYPE_CHECKING:
    from collections.abc import Mapping


class ObjectiveConformance(RunChecks, PredictionChecks, UpdateChecks):
    """Checks of the objective registered as ``name``; each method called ``test_...`` is one check.

    Attributes:
        name: the objective's name.
        settings: run settings and options that override its defaults in checks, such as ``{"epochs": 6}`` for an
            objective that learns slowly.
    """

    def test_options_go_to_the_command_line_and_to_toml_and_back(self) -> None:
        """Every option has the same value when it is given as a flag, in a TOML file and in Python."""
        kind, config = self.subject.plan.objective.Config, self.subject.plan.options
        values = {name: value for name, value in config.model_dump().items() if value is not None}
        # JSON's texts, numbers, truth values and lists are valid in TOML too, and no library here writes TOML.
        toml = tomllib.loads(
            "\n".join(f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items())
        )
        flags = click.Command("check", params=options(kind)).make_context("check", _arguments(values)).params
        for source, parsed in (
            ("TOML", toml),
            ("the command line", {name: value for name, value in flags.items() if value is not None}),
        ):
            again = settings.build(kind, parsed, source)
            if again != config:
                raise NotConforming(
                    f"options that survive {source}: {config!r}", repr(again), self.subject.where("Config")
                )


def _arguments(values: Mapping[str, object]) -> list[str]:
    """Return ``values`` as command-line arguments."""
    arguments: list[str] = []
    for name, value in values.items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            arguments.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            arguments += [f"--{flag}", str(value)]
    return arguments
