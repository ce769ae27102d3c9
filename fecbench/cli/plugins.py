"""``fecbench plugins``: what is installed, told from metadata; ``--check`` tries each plugin and says why one is broken."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import asdict
from importlib.metadata import entry_points

import click

from fecbench.cli.terminal.echo import echo
from fecbench.cli.terminal.output import print_json, print_table
from fecbench.core import hooks, registry
from fecbench.core.errors import FecbenchError
from fecbench.core.registry import Origin

HOOK = "hook"


@click.command()
@click.option(
    "--check",
    is_flag=True,
    help="try each plugin and say why one is broken (exit code 1 if any is); nothing is downloaded",
)
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def plugins(check: bool, as_json: bool) -> None:
    """Objectives, data sets, encoders, heads, metrics, formats and hooks installed here: name, distribution, version."""
    origins = [origin for one in registry.ALL for origin in one.origins()] + _hook_origins()
    rows = [asdict(origin) for origin in origins]
    claims = Counter((origin.kind, origin.name) for origin in origins)
    for row, origin in zip(rows, origins, strict=True):
        row["problem"] = "claimed more than once" if claims[origin.kind, origin.name] > 1 else ""
        if check:
            problem, row["not tried"] = _tried(origin)
            row["problem"] = problem or row["problem"]
    if as_json:
        print_json(rows)
    else:
        told = [column for column in ("problem", "not tried") if any(row.get(column) for row in rows)]
        columns = ["kind", "name", "distribution", "version", "value", *told]
        print_table(columns, [[row[column] for column in columns] for row in rows])
    if check:
        broken = sum(bool(row["problem"]) for row in rows)
        echo(f"{len(rows) - broken} of {len(rows)} plugins work", err=True)
        sys.exit(1 if broken else 0)


def _hook_origins() -> list[Origin]:
    entries = entry_points(group=hooks.PROJECT)
    return [
        Origin(HOOK, e.name, e.dist.name if e.dist else "?", e.dist.version if e.dist else "", e.value) for e in entries
    ]


def _tried(origin: Origin) -> tuple[str, str]:
    """Why a plugin can't be used, and what couldn't be tried on this machine; each empty where there is nothing to say."""
    from fecbench.objective.check import get_objective
    from fecbench.testing.running import kit_of, outcomes

    used = {HOOK: hooks.get_hook_plugin, registry.objectives.kind: get_objective}
    try:
        if origin.kind in used:
            used[origin.kind](origin.name)
            return "", ""
        found = list(outcomes(kit_of(origin.kind, origin.name)))
    except FecbenchError as error:
        return str(error), ""
    return next((one.reason for one in found if one.failure), ""), next(
        (one.skipped for one in found if one.skipped), ""
    )
