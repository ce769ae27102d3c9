"""``--help``: the commands in sections, and what each command says of itself."""

import click
import pytest

from fecbench.cli import COMMANDS, SECTIONS, cli
from tests.support.commands import commands


def test_help_lists_the_commands_in_sections(fecbench):
    lines = fecbench("--help")[1].splitlines()
    titles = [line for line in lines if line.endswith(":") and not line.startswith(" ")]
    assert titles == ["Options:", *(f"{title}:" for title in SECTIONS), "From plugins:"]
    entries = [line for line in lines if line.split()[:1] and line.split()[0] in COMMANDS]
    assert len(entries) == len(COMMANDS)
    assert len({line.index(line.split(maxsplit=1)[1]) for line in entries}) == 1  # aligned over all sections


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_has_the_first_sentence_of_each_help(name):
    command = cli.get_command(click.Context(cli), name)
    assert command.help.split("\n\n")[0].strip() == COMMANDS[name]


def test_every_option_has_a_help_text():
    without = [
        f"{path} {param.name}"
        for path, command in commands(cli, click.Context(cli))
        for param in command.params
        if isinstance(param, click.Option) and not param.help
    ]
    assert without == []


def test_help_says_how_to_complete_names(fecbench):
    code, out, _ = fecbench("--help")
    assert code == 0
    assert '  eval "$(_FECBENCH_COMPLETE=bash_source fecbench)"\n' in out
