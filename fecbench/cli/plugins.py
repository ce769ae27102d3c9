"""``fecbench plugins``: what is installed, told from metadata; ``--check`` imports each plugin and says why one is broken."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import asdict
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

import click

from fecbench import hooks, registry
from fecbench.cli.output import print_json, print_table
from fecbench.cli.saying import say
from fecbench.errors import FecbenchError
from fecbench.registry import Origin

if TYPE_CHECKING:
    from collections.abc import Callable

HOOK = "hook"


@click.command()
@click.option("--check", is_flag=True, help="import each plugin and say why one is broken (exit code 1 if any is)")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def plugins(check: bool, as_json: bool) -> None:
    """Objectives, data sets, encoders, heads, metrics, formats and hooks installed here: name, distribution, version."""
    origins = [origin for one in registry.ALL for origin in one.origins()] + _hook_origins()
    rows = [asdict(origin) for origin in origins]
    claims = Counter((origin.kind, origin.name) for origin in origins)
    for row, origin in zip(rows, origins, strict=True):
        row["problem"] = "claimed more than once" if claims[origin.kind, origin.name] > 1 else ""
        if check:
            row["problem"] = _problem(origin) or row["problem"]
    if as_json:
        print_json(rows)
    else:
        columns = ["kind", "name", "distribution", "version", "value"] + ["problem"] * any(row["problem"] for row in rows)
        print_table(columns, [[row[column] for column in columns] for row in rows])
    if check:
        broken = sum(bool(row["problem"]) for row in rows)
        say(f"{len(rows) - broken} of {len(rows)} plugins work", err=True)
        sys.exit(1 if broken else 0)


def _hook_origins() -> list[Origin]:
    entries = entry_points(group=hooks.PROJECT)
    return [Origin(HOOK, e.name, e.dist.name if e.dist else "?", e.dist.version if e.dist else "", e.value) for e in entries]


def _problem(origin: Origin) -> str:
    """Why a plugin can't be used; empty where it can."""
    try:
        _loader(origin.kind)(origin.name)
    except FecbenchError as error:
        return str(error)
    return ""


def _loader(kind: str) -> Callable[[str], Any]:
    """What imports and checks a plugin of a kind."""
    from fecbench import datasets, encoders, heads, metrics, objective

    loaders: dict[str, Callable[[str], Any]] = {
        "objectives": objective.named,
        "datasets": datasets.named,
        "encoders": encoders.named,
        "heads": heads.named,
        "metrics": metrics.named,
        "formats": registry.formats.get,
        HOOK: hooks.named,
    }
    return loaders[kind]
