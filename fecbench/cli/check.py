"""``fecbench check NAME``: run the conformance checks on a plugin."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from fecbench.cli.common_options import JSON
from fecbench.core import registry
from fecbench.core.errors import UnknownName, UsageError
from fecbench.terminal.echo import echo
from fecbench.terminal.fast_import import fast_import
from fecbench.terminal.output import print_json
from fecbench.terminal.step_progress import StepProgress

if TYPE_CHECKING:
    from fecbench.testing.running import Outcome

REGISTRIES = {plugins.kind: plugins for plugins in registry.ALL}


@click.command()
@click.argument("name", metavar="NAME")
@click.option(
    "--kind",
    type=click.Choice(list(REGISTRIES)),
    help="kind of the plugin; needed if plugins of two kinds have the name",
)
@click.option(
    "--device",
    type=click.Choice(["cpu", "cuda"]),
    default="cpu",
    show_default=True,
    help="cuda checks how an objective uses a GPU, on fake tensors if there is none",
)
@JSON
def check(name: str, kind: str | None, device: str, as_json: bool) -> None:
    """Run the conformance checks on a plugin.

    NAME is an objective, data set, encoder, head, metric or format. Objectives are checked on the demo data with a
    small encoder on the CPU, and if they take several labels a text also on such demo data. Nothing is downloaded:
    if a data set or an encoder is not on this machine, its checks are skipped with a reason. The exit code is 1 if a
    check fails; each failure names the requirement, the finding and the place to look. To run the same checks in a
    plugin's own tests, subclass a class of fecbench.testing.

    With --device cuda an objective makes each part of a run once on a GPU or, without one, on fake CUDA tensors: all
    its tensors must be on the device, and the host must not wait for it. That needs Linux and, without a GPU, a C++
    compiler and a build of torch for the CPU.

    \b
    Examples:
      fecbench check ce
      fecbench check hypemo --kind heads
      fecbench check taco --device cuda
    """
    kind = kind or _kind_of(name)
    with fast_import():
        from fecbench.testing.running import kits_of, outcomes

    finished, started = [], time.perf_counter()
    kits = kits_of(kind, name, device)
    with StepProgress(sum(len(kit.checks()) for kit in kits)) as progress:
        for outcome in (outcome for kit in kits for outcome in outcomes(kit, progress.begin)):
            finished.append(outcome)
            if not as_json:
                _print_outcome(outcome, progress)
    if as_json:
        print_json([{key: value for key, value in asdict(outcome).items() if key != "reason"} for outcome in finished])
    failed = sum(bool(outcome.failure) for outcome in finished)
    skipped = sum(bool(outcome.skipped) for outcome in finished)
    passed = f"{len(finished) - failed - skipped} of {len(finished)} checks hold"
    if skipped:
        passed += f", {skipped} skipped"
    # On standard error, so that --json prints JSON alone.
    for kit in kits:
        if kit.summary:
            echo(f"{name}: {kit.summary}{f' ({kit.about})' if kit.about else ''}", err=True)
    echo(f"{name}: {passed} ({time.perf_counter() - started:.0f} s)", err=True)
    sys.exit(1 if failed else 0)


def _print_outcome(outcome: Outcome, progress: StepProgress) -> None:
    if outcome.failure:
        text = f"FAILED {outcome.check}{outcome.failure}"
    elif outcome.skipped:
        text = f"skip   {outcome.check}: {outcome.skipped}"
    else:
        text = f"ok     {outcome.check}"
    for line in text.split("\n"):
        progress.echo(line)


def _kind_of(name: str) -> str:
    """Return the kind of the plugin called ``name``; an objective has priority over other kinds, with a note.

    Raises:
        UnknownName: no plugin has that name.
        UsageError: plugins of several kinds have it, and none is an objective.
    """
    kinds = [kind for kind, plugins in REGISTRIES.items() if name in plugins]
    if not kinds:
        raise UnknownName("plugin", name, {known for plugins in registry.ALL for known in plugins})
    if len(kinds) > 1 and kinds[0] == registry.objectives.kind:
        other = REGISTRIES[kinds[1]].word
        echo(f"{name} is checked as an objective; add --kind {kinds[1]} to check the {other} of that name", err=True)
    elif len(kinds) > 1:
        raise UsageError(
            f"check needs one plugin, but {name!r} names several, in {' and '.join(kinds)}; add --kind {kinds[0]}"
        )
    return kinds[0]
