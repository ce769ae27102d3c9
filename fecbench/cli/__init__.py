"""The command line. Commands are imported when they are called, so that ``fecbench --help`` answers at once."""

from __future__ import annotations

import sys
import warnings
from importlib import import_module
from io import TextIOWrapper
from typing import Any

import click
from click.shell_completion import CompletionItem

from fecbench.cli.terminal.echo import echo
from fecbench.core.errors import FecbenchError, UsageError

COMMANDS = {
    "run": "train an objective on a data set, and test it",
    "bench": "run a benchmark's whole matrix of methods, data sets and seeds",
    "data": "which data sets there are, and what is in them",
    "check": "whether an objective does what every objective must",
    "plugins": "objectives, data sets, encoders, heads and metrics installed here",
    "runs": "what has been run, newest first",
    "leaderboard": "tables of runs: methods as rows, data sets and metrics as columns",
    "predict": "labels for texts from a finished run",
    "export": "a trained model as a Hugging Face folder or as ONNX",
    "plot": "pictures of run records",
    "cases": "examples that one method gets right and another wrong",
    "doctor": "what will and won't work on this machine",
}


class Commands(click.Group):
    """fecbench's own commands by name, then those that hook plugins add."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, fecbench's own first."""
        return [*COMMANDS, *sorted(self._added())]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        if cmd_name in COMMANDS:
            command: click.Command = getattr(import_module(f"fecbench.cli.{cmd_name}"), cmd_name)
            return command
        return self._added().get(cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table of commands, without importing fecbench's own."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self._table().items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands that begin so, without importing fecbench's own, and options."""
        named = [CompletionItem(name, help=text) for name, text in self._table().items() if name.startswith(incomplete)]
        return named + click.Command.shell_complete(self, ctx, incomplete)

    def _table(self) -> dict[str, str]:
        """Each command's name and what it does, in a few words."""
        return COMMANDS | {name: command.get_short_help_str() for name, command in self._added().items()}

    def _added(self) -> dict[str, click.Command]:
        from fecbench.core import hooks

        plugins, reasons = hooks.installed()
        for reason in reasons:
            warnings.warn(reason, stacklevel=2)
        commands = hooks.Observers(plugin for _, plugin in plugins).commands()
        return {command.name: command for command in commands if command.name and command.name not in COMMANDS}


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="fecbench", prog_name="fecbench")
def cli() -> None:
    """Compare training objectives for fine-grained emotion classification."""


def main() -> None:
    """Entry point: a user's mistake ends in one line and exit code 1 (failed) or 2 (usage), never in a traceback."""
    warnings.showwarning = _show_warning  # type: ignore[assignment]
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that can't show a character shows another
    try:
        cli()
    except (FecbenchError, OSError) as error:
        echo(f"fecbench: {error}", err=True)
        sys.exit(2 if isinstance(error, UsageError) else 1)


def _show_warning(message: Warning | str, *_: Any) -> None:
    echo(f"fecbench: warning: {message}", err=True)
