"""``fecbench plugins``: list the installed plugins from their metadata; ``--check`` tests each of them."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import asdict
from importlib.metadata import entry_points

import click

from fecbench.cli.common_options import JSON
from fecbench.core import hooks, registry
from fecbench.core.errors import FecbenchError
from fecbench.core.registry import Origin
from fecbench.terminal.echo import echo
from fecbench.terminal.output import print_json, print_table

HOOK = "hook"


@click.command()
@click.option(
    "--check",
    is_flag=True,
    help="test each plugin and report broken ones (exit code 1 if there are any); nothing is downloaded",
)
@JSON
def plugins(check: bool, as_json: bool) -> None:
    """List the installed plugins and where they come from.

    Plugins are objectives, data sets, encoders, heads, metrics, formats and hooks.
    """
    origins = [origin for kind in registry.ALL for origin in kind.origins()] + _hook_origins()
    rows = [asdict(origin) for origin in origins]
    claims = Counter((origin.kind, origin.name) for origin in origins)
    for row, origin in zip(rows, origins, strict=True):
        row["problem"] = "claimed more than once" if claims[origin.kind, origin.name] > 1 else ""
        if check:
            problem, row["not tried"] = _try(origin)
            row["problem"] = problem or row["problem"]
    if as_json:
        print_json(rows)
    else:
        findings = [column for column in ("problem", "not tried") if any(row.get(column) for row in rows)]
        columns = ["kind", "name", "distribution", "version", "value", *findings]
        headings = ["entry point" if column == "value" else column for column in columns]
        print_table(headings, [[row[column] for column in columns] for row in rows])
    if check:
        broken = sum(bool(row["problem"]) for row in rows)
        echo(f"{len(rows) - broken} of {len(rows)} plugins work", err=True)
        sys.exit(1 if broken else 0)


def _hook_origins() -> list[Origin]:
    entries = entry_points(group=hooks.PROJECT)
    return [
        Origin(HOOK, e.name, e.dist.name if e.dist else "?", e.dist.version if e.dist else "", e.value) for e in entries
    ]


def _try(origin: Origin) -> tuple[str, str]:
    """Return a plugin's first failure and the first check that was skipped on this machine; each may be empty."""
    from fecbench.objective.check import get_objective
    from fecbench.testing.running import kit_of, outcomes

    # Objectives are only loaded: their conformance checks train a model, which takes too long for all of them.
    loaders = {HOOK: hooks.get_hook_plugin, registry.objectives.kind: get_objective}
    try:
        if origin.kind in loaders:
            loaders[origin.kind](origin.name)
            return "", ""
        finished = list(outcomes(kit_of(origin.kind, origin.name)))
    except FecbenchError as error:
        return str(error), ""
    failure = next((outcome.reason for outcome in finished if outcome.failure), "")
    skipped = next((outcome.skipped for outcome in finished if outcome.skipped), "")
    return failure, skipped
