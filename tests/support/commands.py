"""Walk the tree of fecbench's commands."""

from collections.abc import Iterator

import click


def commands(
    command: click.Command, context: click.Context, path: str = "fecbench"
) -> Iterator[tuple[str, click.Command]]:
    """Yield a command and all below it, with their paths."""
    yield path, command
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            yield from commands(command.get_command(context, name), context, f"{path} {name}")
