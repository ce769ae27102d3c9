"""``fecbench check NAME``: whether a plugin does what every plugin of its kind must."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict

import click

from fecbench.cli.terminal.echo import echo
from fecbench.cli.terminal.output import print_json
from fecbench.core import registry
from fecbench.core.errors import UnknownName, UsageError

KINDS = {one.kind: one for one in registry.ALL}


@click.command()
@click.argument("name", metavar="NAME")
@click.option("--kind", type=click.Choice(list(KINDS)), help="the plugin's kind, where two kinds have the name")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def check(name: str, kind: str | None, as_json: bool) -> None:
    """Run the conformance checks on an objective, data set, encoder, head, metric or format.

    Objectives are checked on the demo data with the scratch encoder on the CPU. Nothing is downloaded: where a data set or an encoder isn't
    on this machine, its checks are skipped, and the reason is printed. Exit code 1 if a check fails; each failure says what was required,
    what was found, and where to look. A plugin's own tests run the same checks by subclassing a class of fecbench.testing.
    """
    found = kind or _kind_of(name)
    from fecbench.testing.running import kit_of, outcomes

    rows, started = [], time.perf_counter()
    for outcome in outcomes(kit_of(found, name)):
        rows.append(outcome)
        if not as_json:
            state = "FAILED" if outcome.failure else "skip  " if outcome.skipped else "ok    "
            for (
                line
            ) in f"{state} {outcome.check}{outcome.failure}{': ' * bool(outcome.skipped)}{outcome.skipped}".split("\n"):
                echo(line)
    if as_json:
        print_json([{key: value for key, value in asdict(row).items() if key != "reason"} for row in rows])
    failed, skipped = sum(bool(row.failure) for row in rows), sum(bool(row.skipped) for row in rows)
    aside = f", {skipped} skipped" if skipped else ""
    echo(
        f"{name}: {len(rows) - failed - skipped} of {len(rows)} checks hold{aside} ({time.perf_counter() - started:.0f} s)",
        err=True,
    )
    sys.exit(1 if failed else 0)


def _kind_of(name: str) -> str:
    """The kind of the plugin called ``name``; an objective goes before all others, and that is said.

    Raises:
        UnknownName: nothing is called so.
        UsageError: plugins of several other kinds are.
    """
    kinds = [kind for kind, one in KINDS.items() if name in one]
    if not kinds:
        raise UnknownName("plugin", name, {known for one in registry.ALL for known in one})
    if len(kinds) > 1 and kinds[0] == registry.objectives.kind:
        echo(
            f"{name} is checked as an objective; add --kind {kinds[1]} to check the {KINDS[kinds[1]].word} of that name",
            err=True,
        )
    elif len(kinds) > 1:
        raise UsageError(
            f"check needs one plugin, but {name!r} is the name of one of {' and one of '.join(kinds)}; add --kind {kinds[0]}"
        )
    return kinds[0]
