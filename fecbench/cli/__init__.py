"""The command line: ``fecbench`` and its commands, one module a command.

Commands are imported when they are called, so that ``fecbench --help`` answers at once.
Imports any wing; no wing imports it.
"""

from __future__ import annotations

import sys
import warnings
from errno import ENOSPC
from importlib import import_module
from io import TextIOWrapper
from typing import Any

import click
from click.shell_completion import CompletionItem

from fecbench.core.errors import FecbenchError, UsageError
from fecbench.core.text import lower_first
from fecbench.terminal.echo import echo

# The first sentence of each command's help, repeated here because the list of commands must not import them.
SECTIONS = {
    "Train": {
        "run": "Train an objective on a data set and test it.",
        "bench": "Run all methods, data sets and seeds of a benchmark.",
    },
    "Compare": {
        "runs": "List runs, newest first, with their test scores.",
        "leaderboard": "Compare methods in tables of test scores.",
        "plot": "Draw figures from run records.",
        "cases": "Show examples that one run gets right and another wrong.",
        "thresholds": "Show what other thresholds would give a run.",
    },
    "Predict and export": {
        "predict": "Predict labels for texts with a finished run.",
        "export": "Export a trained model to Hugging Face or ONNX format.",
    },
    "Data and methods": {
        "data": "List data sets with their sources, licences and sizes.",
        "plugins": "List the installed plugins and where they come from.",
        "check": "Run the conformance checks on a plugin.",
    },
    "This machine": {
        "doctor": "Check which features work on this machine.",
    },
}
COMMANDS = {name: text for commands in SECTIONS.values() for name, text in commands.items()}


class Commands(click.Group):
    """fecbench's own commands, then those that hook plugins add."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, fecbench's own first."""
        return [*COMMANDS, *sorted(self._added())]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command; None if there is no command of that name."""
        if cmd_name in COMMANDS:
            command: click.Command = getattr(import_module(f"fecbench.cli.{cmd_name}"), cmd_name)
            return command
        return self._added().get(cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections of commands, without importing fecbench's own."""
        added = self._added_summaries()
        width = max(map(len, (*COMMANDS, *added)))  # one column for all sections
        for title, commands in {**SECTIONS, "From plugins": added}.items():
            if commands:
                with formatter.section(title):
                    formatter.write_dl([(name.ljust(width), summary) for name, summary in commands.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the commands and options that begin with ``incomplete``, without importing fecbench's own commands."""
        summaries = COMMANDS | self._added_summaries()
        commands = [CompletionItem(name, help=text) for name, text in summaries.items() if name.startswith(incomplete)]
        return commands + click.Command.shell_complete(self, ctx, incomplete)

    def _added_summaries(self) -> dict[str, str]:
        return {name: command.get_short_help_str() for name, command in sorted(self._added().items())}

    def _added(self) -> dict[str, click.Command]:
        from fecbench.core import hooks

        plugins, reasons = hooks.installed()
        for reason in reasons:  # a broken hook plugin must not take away fecbench's own commands
            warnings.warn(reason, stacklevel=2)
        commands = hooks.Observers(plugin for _, plugin in plugins).commands()
        return {command.name: command for command in commands if command.name and command.name not in COMMANDS}


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="fecbench", prog_name="fecbench")
def cli() -> None:
    """Compare training objectives for fine-grained emotion classification.

    To begin: fecbench run ce --dataset demo

    `fecbench COMMAND --help` describes a command and its options.

    \b
    Complete names with Tab, by this line in ~/.bashrc (see docs/terminal.md):
      eval "$(_FECBENCH_COMPLETE=bash_source fecbench)"
    """


def main() -> None:
    """Run the command line. A user's mistake prints one line and exits with 1 (failure) or 2 (wrong usage)."""
    warnings.showwarning = _show_warning  # type: ignore[assignment]
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # print "?" where the terminal's encoding lacks a character
    try:
        cli()
    except (FecbenchError, OSError) as error:
        echo(f"fecbench: {_reason(error)}", err=True)
        sys.exit(2 if isinstance(error, UsageError) else 1)


def _reason(error: Exception) -> str:
    """Return an error's message; that of the system as file, reason and remedy."""
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {lower_first(error.strerror)}; check the path and its permissions"
    if isinstance(error, OSError) and error.errno == ENOSPC:
        return "the output can't be written: no space left on the device; free space or choose another place"
    return str(error)


def _show_warning(message: Warning | str, *_: Any) -> None:
    echo(f"fecbench: warning: {message}", err=True)
